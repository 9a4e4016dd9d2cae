"""The frontier of one task on one target for a page without a script: accuracy over maximal throughput."""

from collections.abc import Sequence

from porting.repository.hypervolume import staircase
from porting.repository.report.curves.canvas import COLOURS, Canvas, Mark, decades
from porting.repository.report.curves.members import Member
from porting.repository.report.curves.words import number
from porting.repository.schema import Standing, Summary

TITLE = "Validation accuracy over maximal throughput"
ACCURACY, THROUGHPUT = "accuracy", "images_per_s"
PRECISIONS = {"fp32": COLOURS[0], "int8": COLOURS[1], "fp16": COLOURS[2]}


def frontier(members: Sequence[Member], name: str) -> str:
    """Frontier points filled and joined, dominated ones hollow; every figure with its interval."""
    canvas = Canvas(name, (1.5,))
    (panel,) = canvas.panels
    known = [one for one in members if {ACCURACY, THROUGHPUT} <= one[1].figures.keys()]
    best = [mark(*one) for one in known if one[1].on_frontier]
    joined = [best[index] for index in staircase([(one.y, one.x) for one in best])]
    canvas.marks(panel, "joined", joined, colour="#444444", marker="", line="-")
    for precision, colour in PRECISIONS.items():
        for on_frontier in (False, True):
            shown = [mark(*one) for one in known if (one[0].precision, one[1].on_frontier) == (precision, on_frontier)]
            label = precision if on_frontier else f"{precision}, dominated"
            if shown:
                canvas.marks(
                    panel, f"{precision}-{'frontier' if on_frontier else 'dominated'}", shown, colour=colour, size=4,
                    hollow=not on_frontier, label=label,
                )  # fmt: skip
    over_throughput(canvas)
    return canvas.svg(TITLE)


def over_throughput(canvas: Canvas) -> None:
    """The axes of accuracy over throughput."""
    (panel,) = canvas.panels
    decades(panel.x)
    panel.x.label, panel.y.label, panel.y.form = "maximal throughput, images/s", "validation accuracy", percent
    panel.x.margin = panel.y.margin = 0.06


def percent(value: float) -> str:
    return f"{100 * value:.4g}%"


def mark(variant: Summary, standing: Standing) -> Mark:
    """A variant in the throughput domain."""
    (y, low, high), (x, left, right) = standing.figures[ACCURACY], standing.figures[THROUGHPUT]
    title = f"{variant.name}: {percent(y)}, {number(x)} images/s, {standing.verdict}"
    return Mark(x, y, title, low, high, left, right)
