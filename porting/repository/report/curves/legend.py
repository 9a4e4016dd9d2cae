"""What tells the series of a panel apart: their labels in rows above it."""

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from porting.repository.report.curves.series import DASHES, Series
from porting.repository.report.curves.svg import CHARACTER_PX, add, width_of

SWATCH_PX, GAP_PX = 22.0, 12.0


@dataclass(frozen=True)
class Entry:
    """A piece of text and where it begins; only the first line of a label has its series' swatch."""

    left: float
    text: str
    series: Series | None


@dataclass(frozen=True)
class Row:
    entries: tuple[Entry, ...]

    def draw(self, root: Element, left: float, baseline: float, shapes: Mapping[str, str]) -> None:
        for entry in self.entries:
            start = left + entry.left
            if entry.series is not None:
                draw_swatch(root, entry.series, shapes.get(entry.series.name, ""), start, baseline - 4)
            add(root, "text", entry.text, x=start + SWATCH_PX, y=baseline, fill="#444444")


def draw_swatch(root: Element, series: Series, shape: str, left: float, middle: float) -> None:
    """A short piece of the line and the marker."""
    colour = series.colour
    if series.line:
        add(root, "path", d=f"M{left:.1f} {middle:.1f}h16", stroke=colour, stroke_dasharray=DASHES[series.line])
    if shape:
        fill = "none" if series.hollow else colour
        add(root, "use", href=f"#{shape}", x=left + 8, y=middle, stroke=colour, fill=fill)


def legend_rows(series: Iterable[Series], width: float) -> list[Row]:
    """The labels side by side as long as there is room; a long one is broken."""
    rows: list[list[Entry]] = []
    end = width
    for one in series:
        lines = textwrap.wrap(one.label, int((width - SWATCH_PX) / CHARACTER_PX)) if one.label else []
        for place, line in enumerate(lines):
            needed = SWATCH_PX + width_of(line)
            if place or end + needed > width:
                rows.append([])
                end = 0.0
            rows[-1].append(Entry(end, line, None if place else one))
            end += needed + GAP_PX
        if len(lines) > 1:
            end = width
    return [Row(tuple(row)) for row in rows]
