"""A small drawing of one variant; each of its points tells its figures under the pointer.

A report holds a thousand of these, and Matplotlib, which draws the picture of the frontier, takes a tenth of a second
for each: these take a millisecond.
"""

from collections.abc import Sequence

from porting.repository.report.curves.axis import Axis
from porting.repository.report.curves.panel import PALE, Box, Panel
from porting.repository.report.curves.series import Mark, Series, outline
from porting.repository.report.curves.svg import add, drawing, to_text
from porting.repository.report.curves.words import number

# As wide as a telephone shows without making the text smaller.
WIDE_PX, HIGH_PX, GAP_PX = 342.0, 150.0, 8.0
COLOURS = ("#1f5fa8", "#c8501e", "#2e8540", "#7a3e9d", "#8a6d00", "#00798c")
GREY = "#666666"
__all__ = ["COLOURS", "GREY", "PALE", "Canvas", "Mark", "decades", "doublings"]


class Canvas:
    """Panels below each other, or two side by side; `name` is unique in the page and begins every id in it."""

    def __init__(self, name: str, heights: Sequence[float] = (1.0,), columns: int = 1) -> None:
        self.name, self._columns = name, columns
        self.panels = [Panel(HIGH_PX * height) for height in heights for _ in range(columns)]

    def marks(
        self,
        panel: Panel,
        series: str,
        marks: Sequence[Mark],
        *,
        colour: str,
        marker: str = "dot",
        size: float = 3.2,
        line: str = "",
        width: float = 1.2,
        hollow: bool = False,
        label: str = "",
    ) -> None:
        """Adds a series with its intervals, joined by `line` if that is one; its group has the id `name-series`.

        Without a marker only the line is there.
        """
        name = f"{self.name}-{series}"
        panel.series.append(Series(name, marks, colour, marker, size, line, width, hollow, label))

    def svg(self, label: str) -> str:
        """The drawing as an `<svg>` element, with a legend above each panel that has something to tell apart."""
        boxes = self._boxes()
        height = max(box.top + panel.above(box.width) + panel.height + panel.below
                     for box, panel in zip(boxes, self.panels, strict=True))  # fmt: skip
        root = drawing(self.name, label, WIDE_PX, height)
        defs = add(root, "defs")
        shapes: dict[str, str] = {}
        for series in (one for panel in self.panels for one in panel.series if one.marker):
            shape = f"{self.name}-{series.marker}-{series.size:g}"
            if shape not in shapes.values():
                add(defs, "path", id=shape, d=outline(series.marker, series.size))
            shapes[series.name] = shape
        margins = [panel.margin() for panel in self.panels]
        xs = [panel.values()[0] for panel in self.panels]
        for place, (panel, box) in enumerate(zip(self.panels, boxes, strict=True)):
            shared = self._columns == 1
            margin = max(margins) if shared else margins[place]
            panel.draw(root, box, margin, [x for one in xs for x in one] if shared else xs[place], shapes)
        return to_text(root)

    def _boxes(self) -> list[Box]:
        """Where the panels lie; those below each other share the x axis of the lowest."""
        if self._columns > 1:
            wide = (WIDE_PX - GAP_PX * (self._columns - 1)) / self._columns
            return [Box(place * (wide + GAP_PX), 0.0, wide) for place in range(self._columns)]
        boxes, top = [], 0.0
        for panel in self.panels:
            panel.mute = panel is not self.panels[-1]
            panel.x.kind = self.panels[-1].x.kind
            boxes.append(Box(0.0, top, WIDE_PX))
            top += panel.above(WIDE_PX) + panel.height + panel.below
        return boxes


def doublings(axis: Axis) -> None:
    """An axis on which each doubling is as wide as the one before."""
    axis.kind, axis.form = "doublings", "{:g}".format


def decades(axis: Axis) -> None:
    """A logarithmic axis that says numbers instead of powers, the fewer the more decades it spans."""
    axis.kind, axis.form = "decades", number
