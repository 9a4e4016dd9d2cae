"""simulate: compares policies on the same requests over a published repository, without a server."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from omegaconf import DictConfig
from pydantic import BaseModel, ConfigDict, Field

from orchestrators.commands.prepared import complete_target_and_tasks, made, repository_of, validated
from orchestrators.deployment import Infeasible
from orchestrators.load import Load, Steps
from orchestrators.policies.environment import Environment
from orchestrators.simulation import Box, Settings, simulate
from orchestrators.simulation.comparison_figure import draw_comparison
from orchestrators.simulation.result import Result, number, overloaded_at, percent
from orchestrators.variant import catalogue
from porting.command_line.dispatch import configured
from porting.common.console import progress, say, table
from porting.configuration.components import Component
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.files import write_atomically

RESULT, FIGURE = "simulation.json", "simulation.png"
COLUMNS = [
    "policy", "accuracy", "effective", "not in time, %", "lost", "p99, ms", "CPU, %", "core-s", "switches",
    "infeasible",
]  # fmt: skip
OVERLOADED, LAST = "overloaded at, requests/s", "cost, or why it did not run"
# The result or the error of every policy.
Outcomes = Mapping[str, Result | DnnPortingError]
# The first decision is for the mean demand of these first seconds.
FIRST_S = 10


class Chosen(BaseModel):
    """The content of `conf/simulate.yaml`, with target and tasks filled in."""

    model_config = ConfigDict(frozen=True)
    repository: str
    public_key: Path | None
    target_name: str
    tasks: list[str] = Field(min_length=1)
    cores: float | None = Field(gt=0, allow_inf_nan=False)
    deadline_ms: float = Field(gt=0, allow_inf_nan=False)
    load: Load
    forecaster: Component
    policies: dict[str, Component] = Field(min_length=1)
    seed: int = Field(ge=0)
    output: Path


def run(arguments: Sequence[str]) -> None:
    """Runs the command with `conf/simulate.yaml` and the overrides on the command line."""
    configured("simulate", arguments, simulated)


def simulated(config: DictConfig) -> None:
    """Compares policies on the same requests by delivered accuracy, late and lost requests, and cost.

    The load of each task has its own sample of the trace and its own trend.
    """
    repository = repository_of(config)
    complete_target_and_tasks(config, repository)
    chosen = validated(config, Chosen)
    check_history(chosen)
    demands, schedules = chosen.load.demands(chosen.tasks), chosen.load.schedules(chosen.tasks)
    seconds, mean_rps = len(demands[chosen.tasks[0]]), sum(one.mean() for one in demands.values()) / len(demands)
    settings = Settings(seconds=seconds, deadline_ms=chosen.deadline_ms, seed=chosen.seed)
    first_rps = {task: float((moments_s < FIRST_S).sum()) / FIRST_S for task, moments_s in schedules.items()}
    environment = Environment.of(repository, chosen.target_name, first_rps, chosen.deadline_ms, chosen.cores)
    outcomes = compared(chosen.policies, environment, schedules, settings)
    title = f"{', '.join(demands)} on {environment.cores:g} core(s) of {environment.target}, {seconds} s, " \
            f"mean {mean_rps:.4g} requests/s, deadline {chosen.deadline_ms:g} ms"  # fmt: skip
    show(title, outcomes, chosen.load.steps)
    predicted = list(repository.predicted)
    for line in predicted:
        say(f"not measured   {line}")
    write(chosen.output, title, outcomes, chosen.load.steps, predicted)


def check_history(chosen: Chosen) -> None:
    """Raises `BadInputError` for an invalid forecaster, and for one that learns from the simulated trace."""
    chosen.forecaster.build()
    history, trace = chosen.forecaster.arguments().get("history"), chosen.load.trace
    if history is None or trace is None:
        return
    if trace.exists() and Path(str(history)).exists() and Path(str(history)).samefile(trace):
        raise BadInputError(
            f"forecaster.history={history} is the trace that is simulated: give that of an earlier time"
        )


def compared(
    policies: Mapping[str, Component], environment: Environment, schedules: Mapping[str, np.ndarray], settings: Settings
) -> dict[str, Result | DnnPortingError]:
    """The result or the error of every policy; raises the first error where all of them fail."""
    versions = catalogue(environment.repository, environment.tasks, environment.target)
    box = Box.of(next(iter(environment.families.values()))[0].profile.target, environment.cores)
    outcomes: dict[str, Result | DnnPortingError] = {}
    with progress("policies", len(policies)) as advance:
        for name, component in policies.items():
            try:
                outcomes[name] = simulate(versions, schedules, made(component, environment), box, settings, name)
            except (BadInputError, Infeasible) as error:
                outcomes[name] = error
            advance(name)
    if not any(isinstance(one, Result) for one in outcomes.values()):
        raise next(one for one in outcomes.values() if isinstance(one, Exception))
    return outcomes


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


def write(folder: Path, title: str, outcomes: Outcomes, steps: Steps | None, predicted: Sequence[str]) -> None:
    """Writes the results as JSON and as a picture; `predicted` has the times that no load measured."""
    found = results(outcomes)
    policies = {
        name: one.model_dump(mode="json") if isinstance(one, Result) else {"error": str(one)}
        for name, one in outcomes.items()
    }
    overloaded = {"overloaded_rps": {name: overloaded_at(one, steps) for name, one in found.items()}} if steps else {}
    folder.mkdir(parents=True, exist_ok=True)
    written = {"title": title, **overloaded, "policies": policies, "predicted": predicted}
    write_atomically(folder / RESULT, json.dumps(written, indent=1) + "\n")
    draw_comparison(list(found.values()), folder / FIGURE)
    say(f"as JSON   {folder / RESULT}")
    say(f"figure    {folder / FIGURE}")
