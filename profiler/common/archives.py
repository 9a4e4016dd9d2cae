"""Archives of arrays (`.npz`): their writer, and the one reader of untrusted ones."""

import math
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np

from profiler.common.door import contents
from profiler.common.errors import BadInputError

Samples = dict[str, np.ndarray]
ARRAYS_LIMIT_BYTES = 1 << 30
ARRAYS_LIMIT = 10_000
# The signature of a member in an archive's directory.
MEMBER = b"PK\x01\x02"
# The errors of zipfile and numpy for a damaged archive.
DAMAGE = (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, RuntimeError, OSError, MemoryError)


def packed(values: Samples) -> bytes:
    """The arrays as the content of an `.npz` file."""
    buffer = BytesIO()
    np.savez_compressed(buffer, **values)  # type: ignore[arg-type]
    return buffer.getvalue()


def arrays(path: Path, fix: str, limit_bytes: int = ARRAYS_LIMIT_BYTES, *, links: bool = True) -> Samples:
    """The arrays of an `.npz` file, at most `limit_bytes` in memory; pickled objects are refused."""
    content = contents(path, limit_bytes, fix, links=links)
    try:
        return unpacked(content, limit_bytes)
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise BadInputError(f"{path} is damaged or no archive of arrays ({reason}): {fix}") from error


def unpacked(content: bytes, limit_bytes: int) -> Samples:
    """The arrays of an archive; raises `ValueError` where they declare more bytes than they have or than the limit."""
    # This check precedes the reading of the directory, which takes a hundred times the directory's bytes.
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
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(file)
        if kind.hasobject or math.prod(shape) * kind.itemsize != member.file_size - file.tell():
            raise ValueError(f"{member.filename[:64]!r} declares another size than it has")
