"""The files of a profile, its record and the raw samples of its figures; and the check of the figures in them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from profiler.common.archives import Samples, arrays, packed
from profiler.common.errors import BadInputError
from profiler.common.files import flush_place, read_record, sha256, write_atomically, write_record
from profiler.records.profile import Profile

SAMPLES_LIMIT_BYTES = 256 << 20
# The name of the array with the profile's name.
OWNER = "of"


@dataclass(frozen=True)
class ProfileFiles:
    """The record of a profile, and the raw samples of its figures, whose field `OWNER` names the profile."""

    record: Path
    samples: Path

    def read(self) -> Profile | None:
        """The stored profile, `None` where there is none."""
        if not os.path.lexists(self.record):
            return None
        return read_record(self.record, Profile, f"remove {self.record}, and it is measured again")

    def remove(self) -> None:
        """Removes both files, the samples first, as they mean nothing alone."""
        for file in (self.samples, self.record):
            file.unlink(missing_ok=True)

    def write(self, profile: Profile, samples: Samples) -> None:
        """Writes the profile so far, and adds the new samples to those of the points that were kept.

        Samples of another profile are moved into the folder `replaced`. Raises `BadInputError` for damaged samples,
        and `FileNotFoundError` where the parent folder is missing: a moved workspace is not created again.
        """
        if samples:
            stored_owner, before = self.read_samples()
            if stored_owner != owner(profile):
                before = {}
                # Without a record they are leftovers of a killed run.
                if os.path.lexists(self.record):
                    move_away(self.samples)
            self.samples.parent.mkdir(exist_ok=True)
            write_atomically(self.samples, packed(before | samples | {OWNER: np.array(owner(profile))}))
        self.record.parent.mkdir(exist_ok=True)
        write_record(self.record, profile)

    def read_samples(self) -> tuple[str, Samples]:
        """The owner of the stored samples and the samples, both empty where there is no file."""
        if not os.path.lexists(self.samples):
            return "", {}
        found = arrays(self.samples, f"remove {self.samples}, the figures stay", SAMPLES_LIMIT_BYTES, links=False)
        return str(found.pop(OWNER, "")), found

    def replace(self, profile: Profile, samples: Samples) -> None:
        """Writes another profile and its samples; the present files move into folders `replaced`."""
        for file in (self.record, self.samples):
            move_away(file)
        self.write(profile, samples)


def owner(profile: Profile) -> str:
    """The owner that samples name: a profile keeps it as long as points are added."""
    return f"{profile.key} {profile.measured_at.isoformat()}"


def move_away(file: Path) -> None:
    """Moves a file, if it exists, into the folder `replaced` beside it, under a name with its digest."""
    if os.path.lexists(file):
        folder = file.parent / "replaced"
        folder.mkdir(exist_ok=True)
        file.rename(folder / f"{file.stem}-{sha256(file)[:8]}{file.suffix}")
        flush_place(folder)


# Sums, ratios and squares of figures between these bounds are numbers too.
LEAST, MOST = 1e-30, 1e20
# No load generator sends more requests per second; the moments of all of them are drawn before a load.
MOST_PER_S = 1e8


def check_kept(profile: Profile) -> None:
    """Raises `BadInputError` for a profile with a figure that is out of bounds."""
    values: list[tuple[str, object]] = [(name, getattr(profile, name)) for name in ("reference", "served_reference")]
    values += [item for point in profile.points() for item in point.model_dump().items()]
    for name, value in (number for item in values for number in numbers(*item)):
        most = MOST_PER_S if name.endswith("_per_s") else MOST
        if value and not LEAST <= abs(value) <= most:
            raise BadInputError(
                f"the earlier profile for target {profile.target_name} has figures that no machine measures "
                f"({name} is {value:.3g}): remove it to measure again"
            )


def numbers(name: str, value: object) -> Iterator[tuple[str, float]]:
    """The numbers in a value, also in lists and records within it."""
    if isinstance(value, int | float):
        yield name, value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from numbers(name, one)
    elif isinstance(value, BaseModel):
        yield from numbers(name, value.model_dump())
    elif isinstance(value, dict):
        for inner, one in value.items():
            yield from numbers(inner, one)
