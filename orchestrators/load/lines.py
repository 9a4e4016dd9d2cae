"""The lines of a file that anybody may have written."""

from collections.abc import Iterator
from pathlib import Path

from profiler.common.door import contents
from profiler.common.errors import BadInputError

LIMIT_BYTES = 256 << 20
# A trace of a month; each line takes a hundred times its bytes in memory.
LIMIT_LINES = 3_000_000


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
    """The error for a line that is not what it should be; it may be of any file, and nothing of it is shown."""
    return BadInputError(f"{path}:{number} is not valid: a line holds {valid}")
