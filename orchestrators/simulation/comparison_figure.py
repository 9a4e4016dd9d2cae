"""A picture of a comparison, as the thesis's figure 5.18: demand, lateness, accuracy and CPU of each policy."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from orchestrators.simulation.result import Result
from profiler.common.files import write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES_A_COLUMN, INCHES_A_ROW, DOTS_PER_INCH = 3.6, 1.9, 130
COLOURS = ("#1f6fb2", "#c8602a", "#3f8f4f", "#8a5fb0", "#b08c1f", "#5f7f8a")
GREY = "#444444"
# The most points of a line.
POINTS = 300


def draw_comparison(results: Sequence[Result], path: Path) -> None:
    """Writes the picture as PNG."""
    write_picture(path, draw(results), DOTS_PER_INCH)


def draw(results: Sequence[Result]) -> "Figure":
    """The picture, with a row for each policy and a line for each task."""
    from matplotlib.figure import Figure

    rows = [panels(result) for result in results]
    columns = list(rows[0])
    size = INCHES_A_COLUMN * len(columns), INCHES_A_ROW * len(results) + 0.6
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(results), len(columns), squeeze=False, sharex=True, sharey="col")
    for row, result, lines in zip(grid, results, rows, strict=True):
        for axes, title in zip(row, columns, strict=True):
            plot(axes, lines[title], title)
        row[0].set_ylabel(result.policy)
    for axes, title in zip(grid[0], columns, strict=True):
        axes.set_title(title, fontsize="medium")
    for axes in grid[-1]:
        axes.set_xlabel("s")
    if len(results[0].tasks) > 1:
        grid[0, 0].legend(frameon=False, fontsize="small")
    return figure


def plot(axes: "Axes", lines: Mapping[str, Sequence[float | None]], title: str) -> None:
    """Draws a line for each name; many seconds become means over equal intervals."""
    for (name, values), colour in zip(lines.items(), [GREY] if len(lines) == 1 else COLOURS * len(lines), strict=False):
        moments_s, means = thinned(values)
        axes.plot(moments_s, means, color=colour, linewidth=1, label=name, drawstyle="steps-post")
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.5)
    axes.set_axisbelow(True)
    if "%" in title:
        axes.set_ylim(0, 102)


def thinned(values: Sequence[float | None]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The start and the mean of each interval; NaN for an interval without values."""
    present = np.array([np.nan if one is None else one for one in values], dtype=float)
    length = -(-len(present) // POINTS)
    rows = np.full(-(-len(present) // length) * length, np.nan)
    rows[: len(present)] = present
    table = rows.reshape(-1, length)
    counts = np.isfinite(table).sum(axis=1)
    means: NDArray[np.float64] = np.divide(
        np.nansum(table, axis=1), counts, out=np.full(len(table), np.nan), where=counts > 0
    )
    moments_s: NDArray[np.float64] = np.arange(len(table), dtype=float) * length
    return moments_s, means


def panels(result: Result) -> dict[str, dict[str, Sequence[float | None]]]:
    """The lines of each panel by its title: of demand, lateness and accuracy by task, and of the CPU use."""
    series = result.series.items()
    return {
        "demand, requests/s": {task: one.demand_rps for task, one in series},
        "not in time, %": {task: in_percent(one.not_in_time_share) for task, one in series},
        "accuracy": {task: one.accuracy for task, one in series},
        "CPU, %": {"all": in_percent(result.cpu_share_by_second)},
    }


def in_percent(shares: Sequence[float | None]) -> list[float | None]:
    """The shares in percent; `None` stays."""
    return [None if one is None else 100 * one for one in shares]
