"""simulate: policies on the same trace over a published repository, without a server."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from orchestrators.load import Load
    from orchestrators.simulation.result import Result
    from orchestrators.simulation.scene import Scene
    from porting.repository import Repository
    from profiler.errors import DnnPortingError

# From these first seconds a policy knows what to begin with.
FIRST_S = 10
RESULT, FIGURE = "simulation.json", "simulation.png"
COLUMNS = [
    "policy", "accuracy", "effective", "not in time, %", "lost", "p99, ms", "CPU, %", "core-s", "switches",
    "infeasible", "cost, or why it did not run",
]  # fmt: skip


def run(arguments: Sequence[str]) -> None:
    """Compares policies on the same requests: accuracy delivered, what is late or lost, and what it costs.

    Every task is sent requests of its own: with the same mean, by another sample of the trace and another trend.
    """
    parser = argparse.ArgumentParser(prog="dnn-porting simulate", description=run.__doc__)
    parser.add_argument("repository", help="a folder or a URL such as s3://bucket/prefix")
    parser.add_argument("--task", action="append", help="once for each task (default: all)")
    parser.add_argument("--target", help="default: the only one")
    parser.add_argument("--trace", type=Path, help="requests in each second, one whole number a line")
    parser.add_argument("--demand-rps", type=float, help="the mean to which a trace is scaled, or a constant without")
    parser.add_argument("--seconds", type=int, help="default: the trace's, or 600")
    parser.add_argument("--warm-up-s", type=int, default=0, help="in which the demand grows (default: %(default)s)")
    parser.add_argument(
        "--trend",
        type=float,
        default=0.0,
        help="how far a macro trend goes from the mean, as a part of it (default: 0)",
    )
    parser.add_argument("--deadline-ms", type=float, default=400.0, help="default: %(default)g")
    parser.add_argument("--cores", type=float, help="of the box (default: the target's own)")
    parser.add_argument("--policy", action="append", help="once for each policy (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--output", type=Path, default=Path("artifacts/simulation"), help="default: %(default)s")
    options = parser.parse_args(arguments)

    from orchestrators.simulation.policies import POLICIES
    from porting.repository import Repository

    repository = Repository.load(options.repository)
    load = wanted(options)
    tasks = options.task or repository.tasks
    demands, schedules = load.demands(tasks), load.schedules(tasks)
    seconds, mean_rps = len(demands[tasks[0]]), sum(one.mean() for one in demands.values()) / len(tasks)
    scene = staged(repository, options, schedules)
    outcomes = compared(options.policy or list(POLICIES), scene, schedules, seconds, options.seed)
    title = f"{', '.join(tasks)} on {scene.box.cores:g} core(s) of {scene.target}, {seconds} s, " \
            f"mean {mean_rps:.4g} requests/s, deadline {options.deadline_ms:g} ms"  # fmt: skip
    show(title, outcomes)
    write(options.output, title, outcomes)


def wanted(options: argparse.Namespace) -> "Load":
    """What is sent; raises `BadInputError` where nothing says it, and for what cannot be."""
    from pydantic import ValidationError

    from orchestrators.load import Load
    from porting.messages import validation_message
    from profiler.errors import BadInputError

    if options.trace is None and options.demand_rps is None:
        raise BadInputError("no demand: give --trace FILE, or --demand-rps RATE for a constant one")
    try:
        return Load(
            mean_rps=options.demand_rps, seconds=options.seconds, trace=options.trace, warm_up_s=options.warm_up_s,
            trend=options.trend, seed=options.seed,
        )  # fmt: skip
    except ValidationError as error:
        raise BadInputError(validation_message(error, Load)) from error


def staged(repository: "Repository", options: argparse.Namespace, schedules: "dict[str, np.ndarray]") -> "Scene":
    """The scene, on the only target unless one is named."""
    from orchestrators.forecast import WindowedMaximum
    from orchestrators.simulation.scene import Scene
    from profiler.errors import BadInputError

    if options.target is None and len(repository.targets) != 1:
        raise BadInputError(f"--target is needed: choices are {', '.join(repository.targets)}")
    first_rps = {task: float((moments_s < FIRST_S).sum()) / FIRST_S for task, moments_s in schedules.items()}
    return Scene.of(
        repository,
        options.target or repository.targets[0],
        first_rps,
        options.deadline_ms,
        WindowedMaximum(),
        options.cores,
    )


def compared(
    names: Sequence[str], scene: "Scene", schedules: "dict[str, np.ndarray]", seconds: int, seed: int
) -> "dict[str, Result | DnnPortingError]":
    """Every policy's result, or why it has none; raises what the only one raises, or the last where none has any."""
    from orchestrators.errors import Infeasible
    from orchestrators.simulation import Result, Settings, simulate
    from orchestrators.simulation.policies import policy
    from porting.console import progress
    from profiler.errors import BadInputError

    settings = Settings(seconds=seconds, deadline_ms=scene.deadline_ms, seed=seed)
    outcomes: dict[str, Result | DnnPortingError] = {}
    with progress("policies", len(names)) as advance:
        for name in names:
            try:
                outcomes[name] = simulate(scene.catalogue, schedules, policy(name, scene), scene.box, settings)
            except (BadInputError, Infeasible) as error:
                outcomes[name] = error
            advance(name)
    if not any(isinstance(one, Result) for one in outcomes.values()):
        raise next(one for one in outcomes.values() if isinstance(one, Exception))
    return outcomes


def show(title: str, outcomes: "dict[str, Result | DnnPortingError]") -> None:
    """One table, the highest effective accuracy first."""
    from orchestrators.simulation import Result
    from porting.console import table

    found = [one for one in outcomes.values() if isinstance(one, Result)]
    ranked = sorted(found, key=lambda one: -(one.all_tasks.effective_accuracy or 0))
    failed = [[name, *[""] * (len(COLUMNS) - 2), str(one)] for name, one in outcomes.items() if one not in found]
    table(title, COLUMNS, [*(row(one) for one in ranked), *failed])


def row(result: "Result") -> list[str]:
    figures = result.all_tasks
    late = None if figures.in_time_share is None else 100 * (1 - figures.in_time_share)
    numbers = [
        number(figures.accuracy, ".4f"), number(figures.effective_accuracy, ".4f"), number(late, ".3f"),
        str(figures.lost), number(figures.p99_ms, ".4g"), f"{100 * result.cpu_share:.1f}",
        f"{result.held_core_s:.0f}", str(figures.switches), str(result.infeasible),
    ]  # fmt: skip
    cost = "" if result.cost is None else f"{result.cost:.4g} {result.currency}"
    return [result.policy, *numbers, cost]


def number(value: float | None, form: str) -> str:
    return "unknown" if value is None else format(value, form)


def write(folder: Path, title: str, outcomes: "dict[str, Result | DnnPortingError]") -> None:
    """The results as JSON and as a picture."""
    import json

    from orchestrators.simulation import Result
    from orchestrators.simulation.figure import draw_comparison
    from porting.console import say
    from profiler.files import write_atomically

    policies = {
        name: one.model_dump(mode="json") if isinstance(one, Result) else {"error": str(one)}
        for name, one in outcomes.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / RESULT, json.dumps({"title": title, "policies": policies}, indent=1) + "\n")
    draw_comparison([one for one in outcomes.values() if isinstance(one, Result)], folder / FIGURE)
    say(f"as JSON   {folder / RESULT}")
    say(f"figure    {folder / FIGURE}")
