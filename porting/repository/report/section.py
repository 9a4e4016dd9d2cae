"""One piece of what is known of a variant on a target: a drawing or a table with its notes, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass

from porting.repository.figures import why_absent
from porting.repository.report.drawing import Drawing
from profiler.records.base import Point
from profiler.records.profile import Profile


@dataclass(frozen=True)
class Table:
    """Cells as text; the first column names the row."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class Section:
    """What is shown under one title; a `wide` section takes the whole width of the page."""

    title: str
    notes: list[str]
    drawing: Drawing | None = None
    table: Table | None = None
    wide: bool = False


def absent(title: str, profile: Profile, kind: type[Point], part: str) -> Section:
    """A section that says why it is empty."""
    return Section(title, [f"Not there: {why_absent(profile, kind, part)}."])
