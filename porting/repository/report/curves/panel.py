"""One pair of axes with what is drawn between them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from porting.repository.report.curves.axis import Axis, Scale
from porting.repository.report.curves.legend import legend_rows
from porting.repository.report.curves.series import Note, Rule, Series
from porting.repository.report.curves.svg import FONT_PX, ROW_PX, add, width_of

TEXT, PALE = "#444444", "#e4e4e4"
# Half of a tick's text stands beyond the end of the axis.
EDGE_PX = 14.0


@dataclass(frozen=True)
class Box:
    """Where a panel lies in its drawing, its writing included, in pixels."""

    left: float
    top: float
    width: float


class Panel:
    """Series over two axes; a `mute` panel leaves the writing below its x axis to the one under it."""

    def __init__(self, height: float) -> None:
        self.x, self.y = Axis(), Axis()
        self.series: list[Series] = []
        self.rules: list[Rule] = []
        self.notes: list[Note] = []
        self.height, self.mute = height, False

    def values(self) -> tuple[list[float], list[float]]:
        """All that must have room, along x and along y."""
        corners = [corner for one in self.series for corner in one.corners()]
        return [x for x, _ in corners], [y for _, y in corners]

    def margin(self) -> float:
        """The room that the writing beside the y axis takes."""
        scale = self.y.scale(self.values()[1], self.height, 0)
        return 12 + max((width_of(self.y.form(tick)) for tick in self.y.ticks(scale)), default=0)

    def above(self, width: float) -> float:
        return ROW_PX * (len(legend_rows(self.series, width)) + bool(self.y.label)) + 4

    @property
    def below(self) -> float:
        return 6.0 if self.mute else 20.0 + ROW_PX * bool(self.x.label)

    def draw(self, root: Element, box: Box, margin: float, xs: list[float], shapes: Mapping[str, str]) -> None:
        """Everything, from the back to the front; `xs` are the values along x of all panels that share them."""
        top = box.top + self.above(box.width)
        left, right, bottom = box.left + margin, box.left + box.width - EDGE_PX, top + self.height
        x, y = self.x.scale(xs, left, right), self.y.scale(self.values()[1], bottom, top)
        self._grid(root, x, y)
        for rule in self.rules:
            draw_rule(root, rule, x, y)
        for series in self.series:
            series.draw(root, shapes.get(series.name, ""), x, y)
        for note in self.notes:
            add(root, "text", note.text, x=x.at(note.x), y=y.at(note.y) - 7, fill=note.colour, text_anchor=note.anchor)
        for place, row in enumerate(legend_rows(self.series, box.width)):
            row.draw(root, box.left, box.top + ROW_PX * place + FONT_PX, shapes)

    def _grid(self, root: Element, x: Scale, y: Scale) -> None:
        writing = add(root, "g", fill=TEXT)
        lines = add(root, "g", stroke=PALE)
        for value in self.y.ticks(y):
            add(lines, "path", d=f"M{x.start:.1f} {y.at(value):.1f}H{x.end:.1f}")
            add(writing, "text", self.y.form(value), x=x.start - 5, y=y.at(value) + 4, text_anchor="end")
        add(root, "path", d=f"M{x.start:.1f} {y.end:.1f}V{y.start:.1f}H{x.end:.1f}", fill="none", stroke=TEXT)
        if self.y.label:
            add(writing, "text", self.y.label, x=max(0.0, x.start - 40), y=y.end - 8)
        if not self.mute:
            self._below(writing, x, y)

    def _below(self, writing: Element, x: Scale, y: Scale) -> None:
        """The x axis' ticks, without those that would touch the one before, and its label."""
        free = -math.inf
        for value in self.x.ticks(x):
            text, place = self.x.form(value), x.at(value)
            half = width_of(text) / 2
            if place - half > free:
                add(writing, "text", text, x=place, y=y.start + 15, text_anchor="middle")
                free = place + half + 4
        if self.x.label:
            add(writing, "text", self.x.label, x=x.end, y=y.start + 15 + ROW_PX, text_anchor="end")


def draw_rule(root: Element, rule: Rule, x: Scale, y: Scale) -> None:
    at = (x if rule.upright else y).at(rule.at)
    ends = f"M{at:.1f} {y.end:.1f}L{at:.1f} {y.start:.1f}" if rule.upright else f"M{x.start:.1f} {at:.1f}H{x.end:.1f}"
    group = add(root, "g", id=rule.name, stroke=rule.colour, stroke_dasharray="5 3" if rule.dashed else None)
    add(group, "path", d=ends)
