"""A section of the report as data: a drawing, a table and notes; the page's script draws it when it becomes visible."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal, NamedTuple

from porting.repository.figures import rounded, why_absent
from profiler.records.base import Point
from profiler.records.profile import Profile

COLOURS = ("#1f5fa8", "#c8501e", "#2e8540", "#7a3e9d", "#8a6d00", "#00798c")
GREY, RED = "#666666", "#c62828"
PANEL_PX = 150
Marker = Literal["dot", "star", "cross", "diamond", "square", ""]


class Mark(NamedTuple):
    """A point with its text under the pointer and the ends of its intervals; `left` and `right` are those of x."""

    x: float
    y: float
    title: str = ""
    low: float | None = None
    high: float | None = None
    left: float | None = None
    right: float | None = None


@dataclass(frozen=True)
class Series:
    """Marks of one kind, joined by a `line` (a dash of Matplotlib) if it is not empty.

    `size` is half a marker's width in px. `name` identifies the series in the data; `label` is its text in the legend.
    """

    name: str
    marks: Sequence[Mark]
    colour: str
    marker: Marker = "dot"
    size: float = 3.2
    line: Literal["", "-", "--", ":"] = ""
    hollow: bool = False
    label: str = ""


@dataclass(frozen=True)
class Axis:
    """One axis of a panel; `low` and `high` are its ends where the values do not decide them."""

    label: str = ""
    kind: Literal["linear", "decades", "doublings"] = "linear"
    percent: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Rule:
    """A straight line across the panel at a value of x or of y."""

    axis: Literal["x", "y"]
    at: float
    colour: str
    dashed: bool = True


@dataclass(frozen=True)
class Note:
    """A text above a place; `anchor` is SVG's `text-anchor`."""

    x: float
    y: float
    text: str
    colour: str
    anchor: Literal["start", "middle", "end"] = "middle"


@dataclass(frozen=True)
class Panel:
    """A pair of axes with series, rules and notes, from the back to the front."""

    x: Axis
    y: Axis
    series: Sequence[Series]
    rules: Sequence[Rule] = ()
    notes: Sequence[Note] = ()
    height_px: float = PANEL_PX


@dataclass(frozen=True)
class Drawing:
    """Panels below each other with a common x axis, or `columns` of them side by side."""

    panels: Sequence[Panel]
    columns: int = 1

    def as_json(self) -> Any:
        """The drawing in the form that the script reads."""
        return plain(self)


def plain(value: Any) -> Any:
    """A record without its default values, numbers with six significant digits, and marks field by field."""
    if isinstance(value, Series):
        return given(value, without=("name", "marks")) | columns(value.marks)
    if is_dataclass(value):
        return given(value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return rounded(value) if isinstance(value, float) else value


def given(record: Any, without: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of a record that differ from their defaults."""
    values = {one.name: (getattr(record, one.name), one.default) for one in fields(record) if one.name not in without}
    return {name: plain(value) for name, (value, default) in values.items() if value != default}


def columns(marks: Sequence[Mark]) -> dict[str, Any]:
    """The values of all marks by field, without the fields that no mark has."""
    found = dict(zip(Mark._fields, zip(*marks, strict=True), strict=True)) if marks else {"x": (), "y": ()}
    return {name: plain(values) for name, values in found.items() if name in ("x", "y") or {*values} - {"", None}}


@dataclass(frozen=True)
class Table:
    """Cells as text; the first column names the row."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class Section:
    """The content below one title; a `wide` section takes the whole width of the page."""

    title: str
    notes: list[str]
    drawing: Drawing | None = None
    table: Table | None = None
    wide: bool = False


def absent(title: str, profile: Profile, kind: type[Point], part: str, *notes: str) -> Section:
    """An empty section with the reason for it, and further notes."""
    return Section(title, [f"Not there: {why_absent(profile, kind, part)}.", *notes])
