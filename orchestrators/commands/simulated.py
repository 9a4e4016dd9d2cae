"""The table and the files of a comparison of policies."""

import json
from collections.abc import Mapping
from pathlib import Path

from orchestrators.formatting import number, percent
from orchestrators.load import Steps
from orchestrators.simulation.comparison_figure import draw_comparison
from orchestrators.simulation.result import Result, overloaded_at
from porting.common.console import say, table
from profiler.common.errors import DnnPortingError
from profiler.common.files import write_atomically

RESULT, FIGURE = "simulation.json", "simulation.png"
COLUMNS = [
    "policy", "accuracy", "effective", "not in time, %", "lost", "p99, ms", "CPU, %", "core-s", "switches",
    "infeasible",
]  # fmt: skip
OVERLOADED, LAST = "overloaded at, requests/s", "cost, or why it did not run"
# The result or the error of every policy.
Outcomes = Mapping[str, Result | DnnPortingError]


def show(title: str, outcomes: Outcomes, steps: Steps | None) -> None:
    """Prints a table of the policies, the highest effective accuracy first."""
    columns = [*COLUMNS, *([OVERLOADED] if steps else []), LAST]
    ranked = sorted(results(outcomes).values(), key=lambda one: -(one.all_tasks.effective_accuracy or 0))
    failed = [
        [name, *[""] * (len(columns) - 2), str(one)] for name, one in outcomes.items() if not isinstance(one, Result)
    ]
    table(title, columns, [*(row(one, steps) for one in ranked), *failed])


def results(outcomes: Outcomes) -> dict[str, Result]:
    """The policies that have a result, by name."""
    return {name: one for name, one in outcomes.items() if isinstance(one, Result)}


def row(result: Result, steps: Steps | None) -> list[str]:
    """The figures of one policy as a row of the table."""
    figures = result.all_tasks
    late = None if figures.in_time_share is None else 1 - figures.in_time_share
    numbers = [
        number(figures.accuracy, ".4f"), number(figures.effective_accuracy, ".4f"), percent(late, 3),
        str(figures.lost), number(figures.p99_ms, ".4g"), f"{100 * result.cpu_share:.1f}",
        f"{result.held_core_s:.0f}", str(figures.switches), str(result.infeasible),
    ]  # fmt: skip
    if steps:
        numbers.append(number(overloaded_at(result, steps), ".4g", "none of them"))
    cost = "" if result.cost is None else f"{result.cost:.4g} {result.currency}"
    return [result.policy, *numbers, cost]


def write(folder: Path, title: str, outcomes: Outcomes, steps: Steps | None) -> None:
    """Writes the results as JSON and as a picture."""
    found = results(outcomes)
    policies = {
        name: one.model_dump(mode="json") if isinstance(one, Result) else {"error": str(one)}
        for name, one in outcomes.items()
    }
    overloaded = {"overloaded_rps": {name: overloaded_at(one, steps) for name, one in found.items()}} if steps else {}
    folder.mkdir(parents=True, exist_ok=True)
    written = {"title": title, **overloaded, "policies": policies}
    write_atomically(folder / RESULT, json.dumps(written, indent=1) + "\n")
    draw_comparison(list(found.values()), folder / FIGURE)
    say(f"as JSON   {folder / RESULT}")
    say(f"figure    {folder / FIGURE}")
