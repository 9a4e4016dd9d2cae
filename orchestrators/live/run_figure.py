"""A picture of live runs, as the thesis's figure 5.18: demand, latency, version and CPU over time.

Each run is a column, each task a row of panels. Stalls of the machine are grey, switches dotted.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from orchestrators.live.outcome import outcome
from orchestrators.live.panels import draw_cpu, draw_task, legend_entries
from orchestrators.live.run import Run
from orchestrators.live.series import ranked
from orchestrators.simulation.result import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES_A_RUN, INCHES_OF_LABELS, DOTS_PER_INCH = 5.2, 1.6, 130
# Heights in inches: demand, latency, version and what each variant adds to it, CPU; between panels; top and bottom.
DEMAND_HIGH, LATENCY_HIGH, VERSION_HIGH, VARIANT_HIGH, CPU_HIGH = 0.8, 1.5, 0.3, 0.24, 1.2
BETWEEN, ENDS = 0.28, 1.5
NAME_HIGH = 18  # points; a task's name above its panels
PANELS_A_TASK = 3
SIGN = " %"


def draw(runs: Sequence[Run]) -> "Figure":
    """The picture with a column for each run and one scale for all runs; `figure.axes` ends with the panels of CPU."""
    from matplotlib.figure import Figure

    tasks = sorted({task for run in runs for task in run.traffic.tasks})
    variants = {task: ranked(runs, task) for task in tasks}
    versions_high = [VERSION_HIGH + VARIANT_HIGH * len(found) for found in variants.values()]
    heights = [high for version in versions_high for high in (DEMAND_HIGH, LATENCY_HIGH, version)] + [CPU_HIGH]
    size = INCHES_OF_LABELS + INCHES_A_RUN * len(runs), sum(heights) + BETWEEN * len(heights) + ENDS
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(
        len(heights), len(runs), squeeze=False, sharex="col", sharey="row", gridspec_kw={"height_ratios": heights}
    )
    rows = {task: slice(PANELS_A_TASK * place, PANELS_A_TASK * (place + 1)) for place, task in enumerate(tasks)}
    for column, run in zip(grid.T, runs, strict=True):
        for task in run.traffic.tasks:
            draw_task(column[rows[task]], run, task, variants[task])
        draw_cpu(column[-1], run)
        column[0].set_title(heading(run), fontsize="medium", pad=NAME_HIGH)
        column[-1].set(xlabel="s", xlim=(0, run.traffic.seconds))
    for task in tasks:
        label(grid[rows[task], 0].tolist(), task, variants[task], runs)
    grid[-1, 0].set_ylabel("CPU, %", fontsize="small")
    figure.legend(handles=legend_entries(), loc="outside lower center", ncols=4, frameon=False, fontsize="small")
    return figure


def label(panels: Sequence["Axes"], task: str, variants: Sequence[str], runs: Sequence[Run]) -> None:
    """The labels at the left of a task's panels."""
    demand, latency, version = panels
    demand.set_ylabel("requests/s", fontsize="small")
    # An annotation, as a second title would have the same distance from the panel as the run's heading.
    demand.annotate(
        task, (0, 1), (0, 3), xycoords="axes fraction", textcoords="offset points", va="bottom", fontweight="bold",
        fontsize="small",
    )  # fmt: skip
    latency.set_ylabel("latency, ms", fontsize="small")
    accuracy = {name: value for run in runs for name, value in run.accuracy.items()}
    names = [f"{short}  {accuracy[name]:.3f}" for name, short in zip(variants, shortened(variants), strict=True)]
    version.set_yticks(range(len(variants)), names, fontsize="x-small")


def shortened(names: Sequence[str]) -> list[str]:
    """The names without their common first words, and without the digest at the end."""
    words = [name.split("-") for name in names]
    alike = len(list(takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False))))
    return ["-".join(one[alike:-1]) or name for one, name in zip(words, names, strict=True)]


def heading(run: Run) -> str:
    """The run's name and its main figures."""
    found = outcome(run)
    everything, outside = found.whole.all_tasks, found.outside_stalls.all_tasks
    late, late_outside = (percent(one.late_share, 2, SIGN) for one in (everything, outside))
    cpu, accuracy = percent(found.whole.cpu_share, 0, SIGN), percent(everything.normalised_accuracy, 1, SIGN)
    return f"{run.name}\nlate {late}, outside stalls {late_outside}\nCPU {cpu}, normalised accuracy {accuracy}"
