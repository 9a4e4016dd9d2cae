"""The one reader of untrusted files and JSON texts.

The reader takes regular files only, up to a limit, and never waits. The parser checks size, schema and version.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError

from profiler.common.errors import BadInputError


@contextmanager
def opened(path: Path, fix: str, *, links: bool = True) -> Iterator[BinaryIO]:
    """The regular file, open for reading; raises `BadInputError` that ends with the fix for anything else.

    Without `links` the last part of the path must not be a link.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | (0 if links else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise unreadable(path, error, fix) from error
    # A FIFO, a device or a folder has no size, and reading may never end.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadInputError(f"{path} is no plain file: {fix}")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def contents(path: Path, limit_bytes: int, fix: str, *, links: bool = True) -> bytes:
    """The whole file; raises `BadInputError` where it is larger than the limit or cannot be read."""
    with opened(path, fix, links=links) as file:
        # `read` allocates as many bytes as its argument says, and limits are larger than most files.
        size = os.fstat(file.fileno()).st_size
        if size > limit_bytes:
            raise too_large(path, limit_bytes, fix)
        try:
            # A non-blocking read returns `None` where it would have to wait.
            content = file.read(size + 1) or b""
            # The file may have grown since its size was read.
            content += (file.read(limit_bytes + 1 - len(content)) or b"") if len(content) > size else b""
        except OSError as error:
            raise unreadable(path, error, fix) from error
    if len(content) > limit_bytes:
        raise too_large(path, limit_bytes, fix)
    return content


def check(path: Path, limit_bytes: int, fix: str, *, links: bool = True) -> None:
    """Raises `BadInputError` where `contents` would, for a file that a library opens itself."""
    with opened(path, fix, links=links) as file:
        size = os.fstat(file.fileno()).st_size
    if size > limit_bytes:
        raise too_large(path, limit_bytes, fix)


def too_large(path: Path, limit_bytes: int, fix: str) -> BadInputError:
    """The error for a file that is larger than the limit."""
    return BadInputError(f"{path} is larger than {limit_bytes} bytes, the most that is read of such a file: {fix}")


def unreadable(path: Path, error: Exception, fix: str) -> BadInputError:
    """The error for a file that is missing or cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return BadInputError(f"{path} does not exist: {fix}")
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return BadInputError(f"{path} cannot be read ({reason}): {fix}")


INDEX_LIMIT_BYTES = 128 << 20
DETAILS_LIMIT_BYTES = 16 << 20
# A value takes many times its bytes in memory, and a list of faults takes more.
LIMIT_VALUES = 500_000
SHOWN = 160
PUBLISH = "publish again with dnn-porting stage=publish"

M = TypeVar("M", bound=BaseModel)


def parsed(
    kind: type[M], content: bytes, place: str, within: str = "", limit_values: int = LIMIT_VALUES, fix: str = PUBLISH
) -> M:
    """The value in a JSON text at `within` of `place`; raises `BadInputError` that names place, first fault and fix."""
    if len(content) > limit_values and content.count(b",") > limit_values:
        raise refused(place, within, f"it holds more than {limit_values} values", fix)
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise invalid(kind, error, place, within, fix) from error


def invalid(
    kind: type[BaseModel], error: ValidationError, place: str, within: str = "", fix: str = PUBLISH
) -> BadInputError:
    """The error for the first fault, or for a schema version that this program does not read."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if where == "schema_version" and where in kind.model_fields:
        readable = kind.model_fields["schema_version"].default
        return BadInputError(
            f"{place} has schema version {shown(str(first['input']))}, and this program reads version {readable}: "
            f"use the dnn-porting that wrote it, or {fix}"
        )
    return refused(place, within + where, first["msg"].removeprefix("Value error, "), fix)


def refused(place: str, where: str, why: str, fix: str = PUBLISH) -> BadInputError:
    """The error for a fault at a place."""
    at = f" at {shown(where.rstrip('.'))}" if where else ""
    return BadInputError(f"{place} is not valid{at}: {shown(why)}; {fix}")


def shown(text: str, limit: int = SHOWN) -> str:
    """An untrusted text as one line of bounded length without control characters."""
    escaped = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[: limit + 1])
    return escaped if len(escaped) <= limit else f"{escaped[:limit]}…"
