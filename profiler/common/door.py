"""The one reader of untrusted files: it reads regular files only, up to a limit, and never waits."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

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
        # `read` allocates as many bytes as it is asked for, and limits are larger than most files.
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
