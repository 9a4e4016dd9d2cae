"""A drawing as data: what lies where, and what each point says. The page's script draws it when its fold is opened."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal, NamedTuple

from porting.repository.figures import rounded

COLOURS = ("#1f5fa8", "#c8501e", "#2e8540", "#7a3e9d", "#8a6d00", "#00798c")
GREY, RED = "#666666", "#c62828"
PANEL_PX = 150
Marker = Literal["dot", "star", "cross", "diamond", "square", ""]


class Mark(NamedTuple):
    """A point, what it says under the pointer, and the ends of its intervals; `left` and `right` are those of x."""

    x: float
    y: float
    title: str = ""
    low: float | None = None
    high: float | None = None
    left: float | None = None
    right: float | None = None


@dataclass(frozen=True)
class Series:
    """Marks of one kind, joined by `line` (a dash of Matplotlib) if that is one; `size` is half a marker's width, px.

    `name` tells series apart for a reader of the data; `label` stands in the legend.
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
    """How one side of a panel is divided; `low` and `high` are its ends where the values do not decide them."""

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
    """Words above a place; `anchor` is the attribute of SVG."""

    x: float
    y: float
    text: str
    colour: str
    anchor: Literal["start", "middle", "end"] = "middle"


@dataclass(frozen=True)
class Panel:
    """One pair of axes with what is drawn between them, from the back to the front."""

    x: Axis
    y: Axis
    series: Sequence[Series]
    rules: Sequence[Rule] = ()
    notes: Sequence[Note] = ()
    height_px: float = PANEL_PX


@dataclass(frozen=True)
class Drawing:
    """Panels below each other, which share their x axis, or `columns` of them side by side."""

    panels: Sequence[Panel]
    columns: int = 1

    def as_json(self) -> Any:
        """As the script takes it."""
        return plain(self)


def plain(value: Any) -> Any:
    """A record without what has its usual value, its numbers with six significant digits; marks column by column."""
    if isinstance(value, Series):
        return given(value, without=("name", "marks")) | columns(value.marks)
    if is_dataclass(value):
        return given(value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return rounded(value) if isinstance(value, float) else value


def given(record: Any, without: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of a record that differ from their defaults."""
    values = {one.name: getattr(record, one.name) for one in fields(record) if one.name not in without}
    defaults = {one.name: one.default for one in fields(record)}
    return {name: plain(value) for name, value in values.items() if value != defaults[name]}


def columns(marks: Sequence[Mark]) -> dict[str, Any]:
    """The values of all marks, field by field, without a field that none of them has."""
    found = dict(zip(Mark._fields, zip(*marks, strict=True), strict=True)) if marks else {"x": (), "y": ()}
    return {
        name: [rounded(one) if isinstance(one, float) else one for one in values]
        for name, values in found.items()
        if name in ("x", "y") or {*values} - {"", None}
    }
