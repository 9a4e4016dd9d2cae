"""Files that are written atomically, and records in sealed JSON files.

A reader sees the old content or the new content, never a part of one, even if the writer is killed. A sealed file is
a JSON object whose first field, `seal`, is the SHA-256 of the text after it, so a reader finds a changed byte.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from profiler.common.door import check, contents, opened, parsed
from profiler.common.errors import BadInputError, naming

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNFINISHED = ".unfinished-"
RECORD_LIMIT_BYTES = 64 << 20
HASHED_LIMIT_BYTES, PIECE_BYTES = 4 << 30, 1 << 20
R = TypeVar("R", bound=BaseModel)
OPENED = "{\n"
SEAL = re.compile(rb'\{\n"seal": "([0-9a-f]{64})",\n')


def write_atomically(path: Path, content: bytes | str) -> None:
    """Writes and flushes a temporary file in the same folder, renames it, and flushes the folder."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f"{UNFINISHED}{path.name}")
    temporary.unlink(missing_ok=True)
    try:
        # Mode `x` creates a new file, since a link of that name would lead elsewhere.
        with naming(path), temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        flush_place(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_picture(path: Path, figure: "Figure", dots_per_inch: int) -> None:
    """Writes a matplotlib figure as a PNG file."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=dots_per_inch)
    write_atomically(path, buffer.getvalue())


def flush_place(place: Path) -> None:
    """Makes a file, or the names in a folder, durable, so that a rename survives a power cut."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path, fix: str = "give a whole file", *, links: bool = True) -> str:
    """The hex digest of a file's content; raises `BadInputError` where `pieces` does."""
    found = hashlib.sha256()
    for piece in pieces(path, fix, links=links):
        found.update(piece)
    return found.hexdigest()


def copied(path: Path, destination: Path, fix: str, digest: str = "") -> Path:
    """Copies a file that others may change into the new file `destination`, so that it stays the same after a check.

    Raises `BadInputError` where `pieces` does, and where the content does not have the `digest` that is given.
    """
    found = hashlib.sha256()
    with destination.open("xb") as file:
        for piece in pieces(path, fix):
            found.update(piece)
            file.write(piece)
    if digest and found.hexdigest() != digest:
        raise changed(path)
    return destination


def changed(path: Path) -> BadInputError:
    """The error for a file whose content changed since its first digest."""
    return BadInputError(f"{path} has been changed since this run began: stop all writers of it, and run again")


def pieces(path: Path, fix: str, *, links: bool = True) -> Iterator[bytes]:
    """A file's content in pieces; raises `BadInputError` for one that is missing, not regular, or too large."""
    check(path, HASHED_LIMIT_BYTES, fix, links=links)
    left = HASHED_LIMIT_BYTES
    with opened(path, fix, links=links) as file:
        while piece := file.read(PIECE_BYTES):
            left -= len(piece)
            if left < 0:
                raise BadInputError(f"{path} grows while it is read: {fix}")
            yield piece


def write_record(path: Path, record: BaseModel) -> None:
    """Writes the record as a sealed JSON file."""
    write_atomically(path, sealed(record.model_dump_json(indent=1)))


def read_record(path: Path, kind: type[R], fix: str) -> R:
    """The record in a sealed JSON file; raises `BadInputError` with the fix for a missing, linked or changed file."""
    content = contents(path, RECORD_LIMIT_BYTES, fix, links=False)
    return parsed(kind, unsealed(content, str(path), fix), str(path), fix=fix)


def json_digest(value: Any) -> str:
    """The SHA-256 of a JSON value, in hex; the order of its keys does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()


def sealed(text: str) -> str:
    """The text of a JSON object with the seal before its first field, which is in a line of its own."""
    body = text.removeprefix(OPENED)
    return f'{OPENED}"seal": "{hashlib.sha256(body.encode()).hexdigest()}",\n{body}'


def unsealed(content: bytes, place: str, fix: str) -> bytes:
    """The object without its seal; raises `BadInputError` with the fix where the seal is missing or wrong."""
    seal = SEAL.match(content)
    body = content[seal.end() :] if seal else b""
    if not content.startswith(OPENED.encode() + b'"seal"'):
        raise BadInputError(
            f"{place} is truncated, damaged or was changed since it was written, or another version of this program "
            f"wrote it: take that version, or {fix}"
        )
    if seal is None or hashlib.sha256(body).hexdigest() != seal[1].decode():
        raise BadInputError(f"{place} is truncated, damaged or was changed since it was written: {fix}")
    return OPENED.encode() + body
