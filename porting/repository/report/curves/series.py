"""What is drawn in a panel: markers with their intervals, lines, rules and words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from porting.repository.report.curves.axis import Scale
from porting.repository.report.curves.svg import add, path, short

Corner = tuple[float, float]
DASHES = {"-": None, "--": "5 3", ":": "1.5 3", "": None}
STAR = (0, -1, 0.26, -0.3, 1, -0.3, 0.4, 0.14, 0.62, 0.85, 0, 0.43, -0.62, 0.85, -0.4, 0.14, -1, -0.3, -0.26, -0.3)
CROSS = (-1, -0.5, -0.5, -1, 0, -0.5, 0.5, -1, 1, -0.5, 0.5, 0, 1, 0.5, 0.5, 1, 0, 0.5, -0.5, 1, -1, 0.5, -0.5, 0)
# The outline of each marker, for a half width of one.
MARKERS: Mapping[str, Sequence[float]] = {
    "star": STAR,
    "cross": CROSS,
    "diamond": (0, -1, 1, 0, 0, 1, -1, 0),
    "square": (-1, -1, 1, -1, 1, 1, -1, 1),
}


@dataclass(frozen=True)
class Mark:
    """A point, the ends of its interval where it has one, and its figures in words; `left`, `right` are those of x."""

    x: float
    y: float
    title: str
    low: float | None = None
    high: float | None = None
    left: float | None = None
    right: float | None = None

    @property
    def whiskers(self) -> list[tuple[Corner, Corner]]:
        """The intervals that are known, from end to end."""
        found = []
        if self.low is not None and self.high is not None:
            found.append(((self.x, self.low), (self.x, self.high)))
        if self.left is not None and self.right is not None:
            found.append(((self.left, self.y), (self.right, self.y)))
        return found


@dataclass(frozen=True)
class Series:
    """Marks of one kind, joined by `line` if that is one; `name` is the id of its group."""

    name: str
    marks: Sequence[Mark]
    colour: str
    marker: str = "dot"
    size: float = 3.2
    line: str = ""
    width: float = 1.2
    hollow: bool = False
    label: str = ""

    def corners(self) -> list[Corner]:
        """Every place that needs room."""
        ends = [corner for mark in self.marks for whisker in mark.whiskers for corner in whisker]
        return [(mark.x, mark.y) for mark in self.marks] + ends

    def draw(self, parent: Element, shape: str, x: Scale, y: Scale) -> None:
        """Whiskers, the line, then the marks; `shape` is the id of the marker's outline, empty where it has none."""
        whiskers = [whisker for mark in self.marks for whisker in mark.whiskers]
        if whiskers:
            group = add(parent, "g", id=f"{self.name}-interval", stroke=self.colour, stroke_opacity=0.5)
            add(group, "path", d="".join(path((x.at(a), y.at(b)) for a, b in one) for one in whiskers))
        group = add(parent, "g", id=self.name, stroke=self.colour, fill="none" if self.hollow else self.colour)
        places = [(x.at(mark.x), y.at(mark.y)) for mark in self.marks]
        if self.line and places:
            add(group, "path", d=path(places), fill="none", stroke_width=self.width,
                stroke_dasharray=DASHES[self.line])  # fmt: skip
        for mark, place in zip(self.marks, places, strict=True):
            if shape:
                use = add(group, "use", href=f"#{shape}", x=place[0], y=place[1])
                SubElement(use, "title").text = mark.title


def outline(marker: str, size: float) -> str:
    """The `d` of a marker about the origin."""
    if marker == "dot":
        r = short(size)
        return f"M-{r} 0a{r} {r} 0 1 0 {short(2 * size)} 0a{r} {r} 0 1 0-{short(2 * size)} 0"
    flat = [size * number for number in MARKERS[marker]]
    return path(zip(flat[::2], flat[1::2], strict=True)) + "Z"


@dataclass(frozen=True)
class Rule:
    """A straight line across the panel at a value."""

    at: float
    colour: str
    upright: bool
    name: str | None = None
    dashed: bool = False


@dataclass(frozen=True)
class Note:
    """Words at a place."""

    x: float
    y: float
    text: str
    colour: str
    anchor: str = "middle"
