"""A published variant on one target, the figures that other systems ask of it, and what is said of a missing one."""

from dataclasses import dataclass
from typing import TypeVar

from porting.repository.schema import Accuracy, Details, Published
from profiler.common.errors import BadInputError
from profiler.records.base import Point
from profiler.records.memory import MemoryPoint
from profiler.records.profile import Profile

T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """A published variant with its profile on the target."""

    published: Published
    details: Details
    profile: Profile

    @property
    def name(self) -> str:
        return self.published.name

    def provenance(self) -> str:
        """What was measured, where, with what and when."""
        found = self.profile.fingerprint
        server = f"{found.runtime} {found.runtime_version or ''}".strip()
        text = (
            f"{self.name} on {self.profile.target_name} ({found.cpu_model}), "
            f"{server} with the {found.backend_kind} backend, {self.profile.measured_at:%Y-%m-%d}"
        )
        return " ".join(text.split())


def served_memory(profile: Profile) -> list[MemoryPoint]:
    """The memory points of the serving processes whose peak is known, by batch."""
    found = [
        point
        for point in profile.own(profile.memory)
        if point.source == "served processes" and point.peak_bytes is not None
    ]
    return sorted(found, key=lambda point: point.batch)


def peak_bytes(profile: Profile) -> int | None:
    """The most that the serving processes held, over all batches that were measured."""
    return max((point.peak_bytes for point in served_memory(profile) if point.peak_bytes), default=None)


def load_ms(profile: Profile) -> float | None:
    """The mean from the load call until ready, with the file in the page cache."""
    warm = (point for point in profile.own(profile.load_time) if point.page_cache == "warm")
    return next((point.mean_ms for point in warm), None)


def why_unknown(profile: Profile, kind: type[Point]) -> str:
    """Why a profile lacks a figure of this kind, and what measures it."""
    reasons = [one.reason for one in profile.missing if one.point == kind.__name__]
    because = reasons[0] if reasons else f"a profile of level {profile.level} has none on the target's own resources"
    return f"{because}; a run with profile=full target={profile.target_name} measures it"


def needed(value: T | None, what: str, one: Measured, kind: type[Point]) -> T:
    """The value; raises `BadInputError` with what is missing and how it is measured."""
    if value is None:
        raise BadInputError(f"{one.name} has no {what}: {why_unknown(one.profile, kind)}")
    return value


def accuracy(one: Measured) -> Accuracy:
    """Validation accuracy; raises `BadInputError` where it is unknown."""
    found = one.details.validation_accuracy
    if found is None:
        reason = one.details.reasons["validation_accuracy"]
        raise BadInputError(f"{one.name} has no validation accuracy ({reason}): evaluate it on a datamodule")
    return found
