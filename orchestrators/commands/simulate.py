"""simulate: policies on the same trace over a published repository, without a server."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from porting.command_line.public_key import add_public_key

if TYPE_CHECKING:
    import numpy as np
    from pydantic import BaseModel

    from orchestrators.forecast import Forecaster
    from orchestrators.load import Load
    from orchestrators.simulation import Result, Settings
    from orchestrators.simulation.scene import Scene
    from porting.repository import Repository
    from profiler.common.errors import DnnPortingError

# From these first seconds a policy knows what to begin with.
FIRST_S = 10


def run(arguments: Sequence[str]) -> None:
    """Compares policies on the same requests: accuracy delivered, what is late or lost, and what it costs.

    Every task is sent requests of its own: with the same mean, by another sample of the trace and another trend.
    """
    options = parser().parse_args(arguments)

    from orchestrators.commands.simulated import show, write
    from orchestrators.simulation import Settings
    from orchestrators.simulation.policies import POLICIES
    from porting.repository import Repository

    load, forecasters = wanted(options), foreseeing(options)
    repository = Repository.load(options.repository, options.public_key)
    tasks = options.task or repository.tasks
    demands, schedules = load.demands(tasks), load.schedules(tasks)
    seconds, mean_rps = len(demands[tasks[0]]), sum(one.mean() for one in demands.values()) / len(demands)
    with refusing(Settings):
        settings = Settings(seconds=seconds, deadline_ms=options.deadline_ms, seed=options.seed)
    scene = staged(repository, options, schedules, forecasters)
    outcomes = compared(options.policy or list(POLICIES), scene, schedules, settings)
    title = f"{', '.join(demands)} on {scene.box.cores:g} core(s) of {scene.target}, {seconds} s, " \
            f"mean {mean_rps:.4g} requests/s, deadline {options.deadline_ms:g} ms"  # fmt: skip
    show(title, outcomes, load.steps)
    write(options.output, title, outcomes, load.steps)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="dnn-porting simulate", description=run.__doc__)
    add = found.add_argument
    add("repository", help="a folder or a URL such as s3://bucket/prefix")
    add_public_key(found)
    add("--task", action="append", help="once for each task (default: all)")
    add("--target", help="default: the only one")
    add("--trace", type=Path, help="requests in each second, one whole number a line")
    add("--demand-rps", type=float, help="the mean to which a trace is scaled, or a constant without")
    add("--steps", nargs=4, metavar=("SHAPE", "START_RPS", "GROWTH_RPS", "STEP_S"),
        help="a stress test instead, linear or exponential: which step overloads each policy")  # fmt: skip
    add("--seconds", type=int, help="default: the trace's, or 600")
    add("--warm-up-s", type=int, default=0, help="in which the demand grows (default: %(default)s)")
    add("--trend", type=float, default=0.0,
        help="how far a macro trend goes from the mean, as a part of it (default: 0)")  # fmt: skip
    add("--forecast", choices=("last", "maximum", "learned"), default="maximum",
        help="what planners plan for: the last second, the highest of the last minute and 10 %% more, or what was "
             "learned from --history (default: %(default)s)")  # fmt: skip
    add("--history", type=Path, help="a trace of an earlier time, from which --forecast learned learns")
    add("--deadline-ms", type=float, default=400.0, help="default: %(default)g")
    add("--cores", type=float, help="of the box (default: the target's own)")
    add("--policy", action="append", help="once for each policy (default: all)")
    add("--seed", type=int, default=0, help="default: %(default)s")
    add("--output", type=Path, default=Path("artifacts/simulation"), help="default: %(default)s")
    return found


@contextmanager
def refusing(model: "type[BaseModel]") -> Iterator[None]:
    """Raises `BadInputError` for what the model does not take."""
    from pydantic import ValidationError

    from porting.common.messages import validation_message
    from profiler.common.errors import BadInputError

    try:
        yield
    except ValidationError as error:
        raise BadInputError(validation_message(error, model)) from error


def wanted(options: argparse.Namespace) -> "Load":
    """What is sent; raises `BadInputError` where nothing says it, and for what cannot be."""
    from orchestrators.load import Load, Steps
    from profiler.common.errors import BadInputError

    if options.trace is None and options.demand_rps is None and options.steps is None:
        raise BadInputError("no demand: give --trace FILE, --steps, or --demand-rps RATE for a constant one")
    values = {
        "mean_rps": options.demand_rps, "seconds": options.seconds, "trace": options.trace,
        "steps": options.steps and dict(zip(Steps.model_fields, options.steps, strict=True)),
        "warm_up_s": options.warm_up_s, "trend": options.trend, "seed": options.seed,
    }  # fmt: skip
    with refusing(Load):
        return Load.model_validate(values)


def foreseeing(options: argparse.Namespace) -> "Callable[[int], Forecaster]":
    """The chosen forecaster, for how far ahead in s it is asked; what is learned is learned for each of these."""
    from functools import cache, partial

    from orchestrators.forecast import LastValue, WindowedMaximum, fit
    from orchestrators.load import read_trace
    from profiler.common.errors import BadInputError

    if options.forecast != "learned":
        if options.history is not None:
            raise BadInputError(f"--forecast {options.forecast} reads no --history: leave it out, or choose learned")
        return lambda _: LastValue() if options.forecast == "last" else WindowedMaximum()
    if options.history is None:
        raise BadInputError("--forecast learned learns from a trace of an earlier time: give --history FILE")
    history = read_trace(options.history)
    if options.trace is not None and options.trace.exists() and options.history.samefile(options.trace):
        raise BadInputError(f"--history {options.history} is the trace that is simulated: give that of an earlier time")
    return cache(partial(fit, history))


def staged(
    repository: "Repository",
    options: argparse.Namespace,
    schedules: "dict[str, np.ndarray]",
    forecasters: "Callable[[int], Forecaster]",
) -> "Scene":
    """The scene, on the only target unless one is named."""
    from orchestrators.simulation import Box
    from orchestrators.simulation.scene import Scene
    from profiler.common.errors import BadInputError

    if options.target is None and len(repository.targets) != 1:
        raise BadInputError(f"--target is needed: choices are {', '.join(repository.targets)}")
    target = options.target or repository.targets[0]
    first_rps = {task: float((moments_s < FIRST_S).sum()) / FIRST_S for task, moments_s in schedules.items()}
    with refusing(Box):
        return Scene.of(repository, target, first_rps, options.deadline_ms, forecasters, options.cores)


def compared(
    names: Sequence[str], scene: "Scene", schedules: "dict[str, np.ndarray]", settings: "Settings"
) -> "dict[str, Result | DnnPortingError]":
    """Every policy's result, or why it has none; raises what the only one raises, or the first where none has any."""
    from orchestrators.errors import Infeasible
    from orchestrators.simulation import Result, simulate
    from orchestrators.simulation.policies import policy
    from porting.common.console import progress
    from profiler.common.errors import BadInputError

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
