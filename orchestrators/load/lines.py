"""The lines of a file that anybody may have written, each with the place that an error names."""

from collections.abc import Iterator
from pathlib import Path

from porting.repository.parse import shown
from profiler.errors import BadInputError

LIMIT_BYTES = 256 << 20


def numbered_lines(path: Path) -> Iterator[tuple[str, str]]:
    """`file:line` and text of each line; raises `BadInputError` for a file that is missing, no text or too long."""
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise BadInputError(f"{path} is larger than {LIMIT_BYTES >> 20} MiB: give a part of it")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"{path} is no text file (byte {error.start} is not UTF-8): give one as plain text"
        ) from error
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror}): give the path of a readable file") from error
    return ((f"{path}:{number}", line) for number, line in enumerate(text.splitlines(), start=1))


def malformed(place: str, line: str, valid: str) -> BadInputError:
    """The error for a line that is not what it should be."""
    return BadInputError(f"{place}: {shown(line)!r} is not valid: a line holds {valid}")
