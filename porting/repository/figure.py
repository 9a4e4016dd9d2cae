"""The frontier as a figure: validation accuracy over maximal throughput, with intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from porting.repository.curves.svg import to_svg
from porting.repository.schema import Accuracy, Index, Standing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"fp32": "#1f5fa8", "int8": "#c8501e"}
INCHES_WIDE, INCHES_HIGH = 6.4, 4.4


@dataclass(frozen=True)
class Point:
    """One variant on one target."""

    name: str
    precision: str
    accuracy: Accuracy
    standing: Standing


def points(index: Index, task: str, target: str) -> Iterator[Point]:
    """Every variant of a task that has an accuracy and was measured on the target."""
    for variant in (*index.variants, *index.dropped):
        if variant.task == task and target in variant.targets and variant.validation_accuracy is not None:
            yield Point(variant.name, variant.precision, variant.validation_accuracy, variant.targets[target])


def panels(index: Index) -> list[tuple[str, str]]:
    """Every pair of task and target."""
    tasks = sorted({variant.task for variant in (*index.variants, *index.dropped)})
    return [(task, target) for task in tasks for target in sorted(index.targets)]


def draw(index: Index) -> "Figure":
    """One panel for each task and target; frontier points are filled and joined, dominated ones hollow."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    shown = panels(index)
    figure = Figure(figsize=(INCHES_WIDE, INCHES_HIGH * len(shown)), layout="constrained")
    for axes, (task, target) in zip(figure.subplots(len(shown), squeeze=False)[:, 0], shown, strict=True):
        found = list(points(index, task, target))
        for point in found:
            draw_point(axes, point)
        joined = staircase(found)
        axes.plot(
            [throughput(point) for point in joined],
            [point.accuracy.value for point in joined],
            color="#444444",
            linewidth=1,
            zorder=1,
        )
        axes.set(
            title=f"{task} on {target}",
            xlabel="maximal throughput, images/s (closed loop, drift-corrected, 95 % interval)",
            ylabel="validation accuracy (95 % interval)",
            xscale="log",
        )
        for axis_formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
            axis_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.grid(visible=True, which="both", color="#e4e4e4", linewidth=0.5)
        axes.set_axisbelow(True)
        legend(axes)
    return figure


def draw_point(axes, point: Point) -> None:  # type: ignore[no-untyped-def]
    """A marker with both intervals; its group in the SVG is named after the variant."""
    best, accuracy = point.standing.max_throughput, point.accuracy
    x, y = best.corrected_images_per_s, accuracy.value
    low = best.corrected_low_images_per_s or x
    high = best.corrected_high_images_per_s or x
    colour = COLOURS[point.precision]
    axes.errorbar(
        [x], [y], xerr=[[x - low], [high - x]], yerr=[[y - accuracy.low], [accuracy.high - y]],
        color=colour, alpha=0.35, linewidth=1, zorder=2,
    )  # fmt: skip
    (marker,) = axes.plot(
        [x], [y], marker="o", markersize=8, color=colour,
        markerfacecolor=colour if point.standing.on_frontier else "white", zorder=3,
    )  # fmt: skip
    marker.set_gid(f"point-{point.name}")


def legend(axes) -> None:  # type: ignore[no-untyped-def]
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=precision) for precision, colour in COLOURS.items()
    ]
    marks.append(Line2D([], [], marker="o", linestyle="", color="#444444", markerfacecolor="white", label="dominated"))
    axes.legend(handles=marks, loc="lower left", frameon=False)


def staircase(found: list[Point]) -> list[Point]:
    """The frontier without those that only a tie keeps on it, the fastest first."""
    chosen: list[Point] = []
    for point in sorted(found, key=lambda p: (throughput(p), p.accuracy.value), reverse=True):
        if point.standing.on_frontier and (not chosen or point.accuracy.value > chosen[-1].accuracy.value):
            chosen.append(point)
    return chosen


def throughput(point: Point) -> float:
    return point.standing.max_throughput.corrected_images_per_s


def draw_frontier(index: Index, path: Path) -> None:
    """Writes the figure as PNG."""
    draw(index).savefig(path, dpi=170)


def frontier_svg(index: Index) -> str:
    """The figure as an `<svg>` element."""
    return to_svg(draw(index), "frontier", "Validation accuracy over maximal throughput", {})
