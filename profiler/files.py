"""Writing so that a reader sees the old content or the new one, never a part, whenever the writer dies."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from pydantic import BaseModel

from profiler.door import arrays, check, contents, opened
from profiler.errors import BadInputError
from profiler.parse import parsed
from profiler.records.profile import Profile
from profiler.room import naming
from profiler.seal import sealed, unsealed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNFINISHED = ".unfinished-"
RECORD_LIMIT_BYTES, SAMPLES_LIMIT_BYTES = 64 << 20, 256 << 20
HASHED_LIMIT_BYTES, PIECE_BYTES = 4 << 30, 1 << 20
OWNER = "of"
Samples = dict[str, np.ndarray]
R = TypeVar("R", bound=BaseModel)


def write_atomically(path: Path, content: bytes | str) -> None:
    """To a temporary name in the same folder, flushed, then renamed; the folder is flushed too."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f"{UNFINISHED}{path.name}")
    temporary.unlink(missing_ok=True)
    try:
        # A new file: a link of that name would lead elsewhere.
        with naming(path), temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_picture(path: Path, figure: "Figure", dots_per_inch: int) -> None:
    """A figure as PNG."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=dots_per_inch)
    write_atomically(path, buffer.getvalue())


def flush_folder(folder: Path) -> None:
    """Makes the names in a folder survive a power cut; a rename is not durable before."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path, fix: str = "give a whole file", *, links: bool = True) -> str:
    """The hex digest of a file's content; raises `BadInputError` for one that is missing, no file or too large."""
    found = hashlib.sha256()
    for piece in pieces(path, fix, links=links):
        found.update(piece)
    return found.hexdigest()


def copied(path: Path, destination: Path, fix: str, digest: str = "") -> Path:
    """The new file `destination` with the content of one that anybody may write to: what is checked is what is used.

    Raises `BadInputError` as `sha256` does, and where the content has another digest than was found before.
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
    """The error for a file that is another one than when it was looked at first."""
    return BadInputError(f"{path} has been changed since this run began: let nobody write to it, and run again")


def pieces(path: Path, fix: str, *, links: bool = True) -> Iterator[bytes]:
    """A file's content bit by bit; raises `BadInputError` for one that is missing, no file or too large."""
    check(path, HASHED_LIMIT_BYTES, fix, links=links)
    left = HASHED_LIMIT_BYTES
    with opened(path, fix, links=links) as file:
        while piece := file.read(PIECE_BYTES):
            left -= len(piece)
            if left < 0:
                raise BadInputError(f"{path} grows while it is read: {fix}")
            yield piece


def packed(values: Samples) -> bytes:
    """The arrays as the content of an `.npz` file."""
    buffer = BytesIO()
    np.savez_compressed(buffer, **values)  # type: ignore[arg-type]
    return buffer.getvalue()


def write_record(path: Path, record: BaseModel) -> None:
    """The record as JSON, sealed: its first field, `seal`, is the digest of all behind it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, sealed(record.model_dump_json(indent=1)))


def read_record(path: Path, kind: type[R], fix: str) -> R:
    """A record from its sealed JSON file, which is no link.

    Raises `BadInputError` with the fix for one that is missing, not valid, or not as it was written.
    """
    content = contents(path, RECORD_LIMIT_BYTES, fix, links=False)
    return parsed(kind, unsealed(content, str(path), fix), str(path), fix=fix)


@dataclass(frozen=True)
class ProfileFiles:
    """A profile and, beside it, the raw samples of its figures, which say in `OWNER` whose they are."""

    record: Path
    samples: Path

    def read(self) -> Profile | None:
        """What is there already."""
        if not os.path.lexists(self.record):
            return None
        return read_record(self.record, Profile, f"remove {self.record}, and it is measured again")

    def remove(self) -> None:
        """Takes both away; the samples first, as they mean nothing alone."""
        for file in (self.samples, self.record):
            file.unlink(missing_ok=True)

    def write(self, profile: Profile, samples: Samples) -> None:
        """What there is so far; the samples of points that were kept stay beside the new ones.

        Samples of another profile are moved into the folder `replaced`. Raises `BadInputError` for damaged ones.
        """
        if samples:
            whose, before = self.read_samples()
            if whose != owner(profile):
                before = {}
                # Without a record they are what a killed run left of its own.
                if os.path.lexists(self.record):
                    keep(self.samples)
            self.samples.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.samples, packed(before | samples | {OWNER: np.array(owner(profile))}))
        write_record(self.record, profile)

    def read_samples(self) -> tuple[str, Samples]:
        """Whose raw samples lie there, and the samples: of nobody, and none, where there is no file."""
        if not os.path.lexists(self.samples):
            return "", {}
        found = arrays(self.samples, f"remove {self.samples}, the figures stay", SAMPLES_LIMIT_BYTES, links=False)
        return str(found.pop(OWNER, "")), found

    def replace(self, profile: Profile, samples: Samples) -> None:
        """Puts another profile and its samples in place of what is there, which moves into folders `replaced`."""
        for file in (self.record, self.samples):
            keep(file)
        self.write(profile, samples)


def owner(profile: Profile) -> str:
    """Which profile samples belong to: the same one as long as points are added to it."""
    return f"{profile.key} {profile.measured_at.isoformat()}"


def keep(file: Path) -> None:
    """Moves a file, if it is there, into the folder `replaced` beside it, under a name with its digest."""
    if os.path.lexists(file):
        folder = file.parent / "replaced"
        folder.mkdir(exist_ok=True)
        file.rename(folder / f"{file.stem}-{sha256(file)[:8]}{file.suffix}")
        flush_folder(folder)
