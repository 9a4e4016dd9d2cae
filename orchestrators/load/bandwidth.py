"""Bandwidth of a real mobile connection over time, from a log of the 4G/LTE data set of Ghent University.

One line a measurement, six numbers: Unix time in ms, ms since the start, latitude, longitude, bytes received since the
last line, ms since the last line (van der Hooft et al., HTTP/2-Based Adaptive Streaming of HEVC Video over 4G/LTE
Networks, IEEE Communications Letters 20(11), 2016).
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from orchestrators.load.lines import malformed, numbered_lines
from profiler.common.errors import BadInputError

MS_PER_S = 1e3
COLUMNS = 6
VALID = (
    "six numbers: Unix time in ms, ms since the start (growing), latitude, longitude, bytes (at least 0) and "
    "the ms in which they came (above 0)"
)


@dataclass(frozen=True)
class Bandwidth:
    """Mean bandwidth of consecutive intervals, both arrays (intervals,).

    `time_s` is when an interval ended, in s since the log's start, and grows; `bytes_per_s` is the mean over it.
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
            raise malformed(file, number, VALID)
        rows.append(row)
    if not rows:
        raise BadInputError(f"{path} is empty: a bandwidth log holds lines of {VALID}")
    times_s, rates = np.array(rows).T
    return Bandwidth(times_s, rates)


def measured(line: str) -> tuple[float, float] | None:
    """When the interval of one line ended, in s, and its bytes/s; `None` for a line that is none."""
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
