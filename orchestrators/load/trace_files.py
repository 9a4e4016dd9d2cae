"""Files of real demand: traces of requests, and logs of a mobile connection's bandwidth.

A trace has one line for each second: the number of requests that a real service received.

A bandwidth log has the format of the 4G/LTE data set of Ghent University, one line for each measurement with six
numbers: Unix time in ms, ms since the start, latitude, longitude, bytes received since the last line, ms since the
last line (van der Hooft et al., HTTP/2-Based Adaptive Streaming of HEVC Video over 4G/LTE Networks, IEEE
Communications Letters 20(11), 2016).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from profiler.common.door import contents
from profiler.common.errors import BadInputError

LIMIT_BYTES = 256 << 20
# More than a month at one line a second; a line takes a hundred times its bytes in memory.
LIMIT_LINES = 3_000_000
DIGITS = 9
VALID_SECOND = f"the requests of one second as a whole number of at most {DIGITS} digits"
MS_PER_S = 1e3
COLUMNS = 6
VALID_MEASUREMENT = (
    "six numbers: Unix time in ms, ms since the start (growing), latitude, longitude, bytes (at least 0) and "
    "the ms in which they came (above 0)"
)


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line; raises `BadInputError` for a file that is missing, no text or too long."""
    content = contents(path, LIMIT_BYTES, "give the path of a readable file, or a part of it")
    if content.count(b"\n") > LIMIT_LINES:
        raise BadInputError(f"{path} has more than {LIMIT_LINES} lines: give a part of it")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"{path} is no text file (byte {error.start} is not UTF-8): give one as plain text"
        ) from error
    return enumerate(text.splitlines(), start=1)


def malformed(path: Path, number: int, valid: str) -> BadInputError:
    """The error for a line of another form; it does not show the line, which may be of any file."""
    return BadInputError(f"{path}:{number} is not valid: a line holds {valid}")


def read_trace(path: str | Path) -> np.ndarray:
    """The demand in a file, one line a second.

    Raises `BadInputError` with file and line for a line that is no whole number, and for a file without lines.
    """
    file = Path(path)
    demand = np.array([requests(file, number, line) for number, line in numbered_lines(file)], dtype=float)
    if not len(demand):
        raise BadInputError(f"{path} is empty: a trace holds one line for each second, {VALID_SECOND}")
    return demand


def requests(path: Path, number: int, line: str) -> int:
    """The number of requests in one line; raises `BadInputError` for anything else."""
    digits = line.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= DIGITS):
        raise malformed(path, number, VALID_SECOND)
    return int(digits)


@dataclass(frozen=True)
class Bandwidth:
    """Mean bandwidth of consecutive intervals, both arrays (intervals,).

    `time_s` has the ends of the intervals in s since the log's start, which grow; `bytes_per_s` is the mean over it.
    """

    time_s: np.ndarray
    bytes_per_s: np.ndarray


def read_bandwidth(path: str | Path) -> Bandwidth:
    """The bandwidth in a log; raises `BadInputError` with file and line where one is malformed."""
    rows: list[tuple[float, float]] = []
    file = Path(path)
    for number, line in numbered_lines(file):
        row = measured(line)
        if row is None or (rows and row[0] <= rows[-1][0]):
            raise malformed(file, number, VALID_MEASUREMENT)
        rows.append(row)
    if not rows:
        raise BadInputError(f"{path} is empty: a bandwidth log holds lines of {VALID_MEASUREMENT}")
    times_s, rates = np.array(rows).T
    return Bandwidth(times_s, rates)


def measured(line: str) -> tuple[float, float] | None:
    """The end of the interval in s and its bandwidth in bytes/s; `None` for a line of another form."""
    try:
        numbers = [float(word) for word in line.split()]
    except ValueError:
        return None
    if len(numbers) != COLUMNS or not all(map(math.isfinite, numbers)):
        return None
    _, since_start_ms, _, _, received_bytes, interval_ms = numbers
    if received_bytes < 0 or interval_ms <= 0:
        return None
    return since_start_ms / MS_PER_S, received_bytes / (interval_ms / MS_PER_S)
