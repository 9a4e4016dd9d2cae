"""The frontier as a picture: validation accuracy over maximal throughput, with intervals."""

from collections.abc import Container, Sequence
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from porting.repository.hypervolume import staircase
from porting.repository.report.ranking_table import PRECISIONS, Member, members, tasks_and_targets
from porting.repository.schema import Index
from porting.repository.standing import RANKED_BY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES_WIDE, INCHES_HIGH, DOTS_PER_INCH = 6.4, 4.4, 170
GREY = "#444444"
ACCURACY, THROUGHPUT = RANKED_BY


def draw(index: Index) -> "Figure":
    """One panel for each task and target, with filled and joined frontier points and hollow other ones."""
    from matplotlib.figure import Figure

    shown = tasks_and_targets(index)
    figure = Figure(figsize=(INCHES_WIDE, INCHES_HIGH * len(shown)), layout="constrained")
    for axes, (task, target) in zip(figure.subplots(len(shown), squeeze=False)[:, 0], shown, strict=True):
        known = [one for one in members(index, task, target) if {ACCURACY, THROUGHPUT} <= one[1].figures.keys()]
        for precision, colour in PRECISIONS.items():
            draw_points(axes, [one for one in known if one[0].precision == precision], colour)
        pairs = [(one.figures[ACCURACY][0], one.figures[THROUGHPUT][0]) for _, one in known if one.on_frontier]
        # The line joins the members that no other one beats by point values.
        line = [pairs[place] for place in staircase(pairs)]
        axes.plot([x for _, x in line], [y for y, _ in line], color=GREY, linewidth=1, zorder=1)
        label_axes(axes, f"{task} on {target}", {one[0].precision for one in known})
    return figure


def draw_points(axes: "Axes", found: Sequence[Member], colour: str) -> None:
    """Draws markers with both intervals."""
    if not found:
        return
    (x, x_errors), (y, y_errors) = (with_errors(found, name) for name in (THROUGHPUT, ACCURACY))
    axes.errorbar(x, y, xerr=x_errors, yerr=y_errors, color=colour, alpha=0.35, linewidth=1, linestyle="", zorder=2)
    fills = [colour if standing.on_frontier else "white" for _, standing in found]
    axes.scatter(x, y, s=64, c=fills, edgecolors=colour, zorder=3)


def with_errors(found: Sequence[Member], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A figure of each variant, (n,), and the distances to the ends of its interval, (2, n)."""
    table = np.array([standing.figures[name] for _, standing in found], dtype=float)
    value, low, high = table.T
    return value, np.nan_to_num(np.maximum(0, np.stack([value - low, high - value])))


def label_axes(axes: "Axes", title: str, precisions: Container[str]) -> None:
    """Draws titles, labels, ticks, grid and legend."""
    from matplotlib.lines import Line2D
    from matplotlib.ticker import StrMethodFormatter

    axes.set(
        title=title,
        xlabel="maximal throughput, images/s (closed loop, as delivered, 95 % interval with the drift)",
        ylabel="validation accuracy (95 % interval)",
        xscale="log",
    )
    for axis_formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        axis_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(visible=True, which="both", color="#e4e4e4", linewidth=0.5)
    axes.set_axisbelow(True)
    colours = {name: colour for name, colour in PRECISIONS.items() if name in precisions}
    marks = [Line2D([], [], marker="o", linestyle="", color=colour, label=name) for name, colour in colours.items()]
    marks.append(
        Line2D(
            [], [], marker="o", linestyle="", color=GREY, markerfacecolor="white", label="dominated, or without a rank"
        )
    )
    axes.legend(handles=marks, loc="lower left", frameon=False)


def as_svg(figure: "Figure") -> str:
    """The picture as an SVG element, with texts as text."""
    import matplotlib as mpl

    text, nothing = StringIO(), dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "frontier"}):
        figure.savefig(text, format="svg", metadata=nothing)
    return text.getvalue()[text.getvalue().index("<svg") :]
