"""The one reader of untrusted files: it reads regular files only, up to a limit, and never waits."""

import math
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from profiler.common.errors import BadInputError

if TYPE_CHECKING:
    import numpy as np

ARRAYS_LIMIT_BYTES = 1 << 30
ARRAYS_LIMIT = 10_000
# The signature of a member in an archive's directory.
MEMBER = b"PK\x01\x02"
# What zipfile and numpy raise for a damaged archive.
DAMAGE = (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, RuntimeError, OSError, MemoryError)


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


def arrays(
    path: Path, fix: str, limit_bytes: int = ARRAYS_LIMIT_BYTES, *, links: bool = True
) -> "dict[str, np.ndarray]":
    """The arrays of an `.npz` file, at most `limit_bytes` in memory; pickled objects are refused."""
    content = contents(path, limit_bytes, fix, links=links)
    try:
        return unpacked(content, limit_bytes)
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise BadInputError(f"{path} is damaged or no archive of arrays ({reason}): {fix}") from error


def unpacked(content: bytes, limit_bytes: int) -> "dict[str, np.ndarray]":
    """The arrays of an archive; raises `ValueError` where they declare more bytes than they have or than the limit."""
    # Readers of JSON need no numpy, which takes a tenth of a second to import.
    import numpy as np

    # This check comes before the directory is read, as that takes a hundred times the directory's bytes.
    if content.count(MEMBER) > ARRAYS_LIMIT:
        raise ValueError(f"it holds more than {ARRAYS_LIMIT} arrays")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > limit_bytes:
            raise ValueError(f"it unpacks to more than {limit_bytes} bytes")
        for member in archive.infolist():
            check_declared(archive, member)
    with np.load(BytesIO(content), allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def check_declared(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raises `ValueError` where an array's header declares another size than its member has.

    numpy would allocate the declared size. The layout is that of numpy's format, version 1.0 to 3.0.
    """
    from numpy.lib import format as layout

    with archive.open(member) as file:
        version = layout.read_magic(file)
        read = layout.read_array_header_1_0 if version == (1, 0) else layout.read_array_header_2_0
        shape, _, kind = read(file)
        if kind.hasobject or math.prod(shape) * kind.itemsize != member.file_size - file.tell():
            raise ValueError(f"{member.filename[:64]!r} declares another size than it has")


def too_large(path: Path, limit_bytes: int, fix: str) -> BadInputError:
    """The error for a file that is larger than the limit."""
    return BadInputError(f"{path} is larger than {limit_bytes} bytes, the most that is read of such a file: {fix}")


def unreadable(path: Path, error: Exception, fix: str) -> BadInputError:
    """The error for a file that is missing or cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return BadInputError(f"{path} does not exist: {fix}")
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return BadInputError(f"{path} cannot be read ({reason}): {fix}")
