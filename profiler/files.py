"""Writing so that a reader sees the old content or the new one, never a part, whenever the writer dies."""

import hashlib
import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from profiler.errors import BadInputError
from profiler.records.profile import Profile

UNFINISHED = ".unfinished-"
R = TypeVar("R", bound=BaseModel)


def write_atomically(path: Path, content: bytes | str) -> None:
    """To a temporary name in the same folder, flushed, then renamed; the folder is flushed too."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f"{UNFINISHED}{path.name}")
    temporary.unlink(missing_ok=True)
    try:
        # A new file: a link of that name would lead elsewhere.
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Makes the names in a folder survive a power cut; a rename is not durable before."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    """The arrays as the content of an `.npz` file."""
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def read_record(path: Path, kind: type[R], fix: str) -> R:
    """A record from its JSON file; raises `BadInputError` with the fix for one that is missing or not valid."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise BadInputError(f"{path} does not exist: {fix}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise BadInputError(f"{path} is not a valid {kind.__name__} ({place}: {first['msg']}): {fix}") from error


@dataclass(frozen=True)
class ProfileFiles:
    """A profile and, beside it, the raw samples of its figures."""

    record: Path
    samples: Path

    def read(self) -> Profile | None:
        """What is there already."""
        if not self.record.exists():
            return None
        return read_record(self.record, Profile, f"remove {self.record}, and it is measured again")

    def remove(self) -> None:
        """Takes both away; the samples first, as they mean nothing alone."""
        for file in (self.samples, self.record):
            file.unlink(missing_ok=True)

    def write(self, profile: Profile, samples: dict[str, np.ndarray]) -> None:
        """What there is so far; the samples of points that were kept stay beside the new ones."""
        for file in (self.record, self.samples):
            file.parent.mkdir(parents=True, exist_ok=True)
        if samples:
            before = dict(np.load(self.samples)) if self.samples.exists() else {}
            write_atomically(self.samples, packed(before | samples))
        write_atomically(self.record, profile.model_dump_json(indent=1))
