"""The panels of a live run's picture, each over time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from orchestrators.live.run import Run
from orchestrators.live.series import TaskSeries, cpu_series, task_series

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, RED = "#1f6fb2", "#c8602a", "#3f8f4f", "#b3261e"
DARK, STALL, GRID = "#222222", "#cfcfcf", "#ececec"
SERVERS = (BLUE, ORANGE, GREEN, "#8a5fb0", "#b08c1f", "#5f7f8a")
# Half the height of a band where one variant gave all answers; bands are 1 apart.
BAND = 0.42
TOP = 0.94


def draw_task(panels: Sequence["Axes"], run: Run, task: str, variants: Sequence[str]) -> None:
    """Draws demand, latency and version of one task; the height of a version's band is its share of right answers."""
    series = task_series(run.traffic.tasks[task], run.traffic.seconds, run.deadline_ms)
    demand, latency, version = panels
    moments_s = np.arange(run.traffic.seconds + 1)
    demand.stairs(series.demand_rps, moments_s, color=GREEN, fill=True, alpha=0.25)
    demand.stairs(series.demand_rps, moments_s, color=GREEN, linewidth=1, baseline=None)
    demand.set_ylim(bottom=0)
    draw_latency(latency, series, moments_s, run.deadline_ms)
    for rank, variant in enumerate(variants):
        half = BAND * series.served.get(variant, np.zeros(run.traffic.seconds))
        version.stairs(rank + half, moments_s, baseline=rank - half, color=BLUE, fill=True, linewidth=0)
    version.set_ylim(-0.6, len(variants) - 0.4)
    for panel in panels:
        mark(panel, run, task)


def draw_latency(axes: "Axes", series: TaskSeries, moments_s: np.ndarray, deadline_ms: float) -> None:
    """Draws the percentiles of each second, and marks at the top the seconds with lost or wrong answers."""
    axes.set(yscale="log", ymargin=0.15)
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.axhline(deadline_ms, color=RED, linewidth=0.8)
    for values, colour in ((series.p50_ms, BLUE), (series.p99_ms, ORANGE)):
        axes.stairs(values, moments_s, color=colour, linewidth=1, baseline=None)
    bad = np.flatnonzero(series.unanswered)
    axes.plot(bad + 0.5, np.full(len(bad), TOP), "x", color=RED, markersize=4, transform=axes.get_xaxis_transform())


def draw_cpu(axes: "Axes", run: Run) -> None:
    """Draws the CPU use of each server as a line."""
    lines = cpu_series(run)
    moments_s = np.arange(run.traffic.seconds + 1)
    for place, (server, shares) in enumerate(sorted(lines.items())):
        colour = SERVERS[place % len(SERVERS)]
        axes.stairs(100 * shares, moments_s, color=colour, linewidth=1, baseline=None, label=server)
    axes.set_ylim(0, 102)
    mark(axes, run, None)
    if len(lines) > 1:
        axes.legend(frameon=False, fontsize="x-small", ncols=len(lines))


def mark(axes: "Axes", run: Run, task: str | None) -> None:
    """Marks stalls, and the switches of this task, or of all tasks for `None`."""
    for begin_s, end_s in run.stalled:
        axes.axvspan(begin_s, end_s, color=STALL, linewidth=0, zorder=0)
    for one in run.switches:
        if task in (None, one.task):
            moment_s = one.ended_s - run.traffic.start_s
            axes.axvline(moment_s, color=RED if one.error else DARK, linewidth=0.7, linestyle=":")
    axes.grid(visible=True, color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)


def legend_entries() -> "list[Artist]":
    """The entries of the legend."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    lines = {"p50": BLUE, "p99": ORANGE, "deadline": RED}
    dotted = {"switch": DARK, "switch that failed": RED}
    return [
        *(Line2D([], [], color=colour, label=name) for name, colour in lines.items()),
        Line2D([], [], color=RED, marker="x", linestyle="", label="lost or wrong"),
        *(Line2D([], [], color=colour, linestyle=":", label=name) for name, colour in dotted.items()),
        Patch(color=STALL, label="stall of the machine"),
    ]
