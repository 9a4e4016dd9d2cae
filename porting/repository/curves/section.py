"""One piece of what is known of a variant on a target: a drawing or a table with its notes, or why there is none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from porting.repository.curves.words import why_absent
from profiler.records.base import Point
from profiler.records.profile import Profile


class Placed(Protocol):
    """A point that says what it had of the machine."""

    @property
    def cores(self) -> float: ...
    @property
    def threads(self) -> int: ...
    @property
    def instances(self) -> int: ...


P = TypeVar("P", bound=Placed)


@dataclass(frozen=True)
class Table:
    """Cells as text; the first column names the row."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class Section:
    """What is shown under one title; `svg` is an element of its own, empty where nothing is drawn.

    A `wide` section takes the whole width of the page.
    """

    title: str
    notes: list[str]
    svg: str = ""
    table: Table | None = None
    wide: bool = False


def absent(title: str, profile: Profile, kind: type[Point], part: str) -> Section:
    """A section that says why it is empty."""
    return Section(title, [f"Not there: {why_absent(profile, kind, part)}."])


def on_own(profile: Profile, points: Iterable[P]) -> list[P]:
    """The points that were measured on the target's own resources."""
    own = profile.target.resources
    wanted = own.cores, own.threads, own.instances
    return [point for point in points if (point.cores, point.threads, point.instances) == wanted]
