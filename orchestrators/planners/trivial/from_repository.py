"""The trivial policy's problem, read from a published repository."""

from collections.abc import Mapping, Sequence

from orchestrators.family import family
from orchestrators.planners.trivial.problem import Metric, Problem, Task, Version
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError


def from_repository(
    repository: Repository,
    *,
    task: str | Sequence[str],
    target: str,
    demand_rps: float | Mapping[str, float],
    metric: Metric = "inverse_throughput",
    cpu_limit: float = 0.65,
    max_metric: Mapping[str, float] | None = None,
    batch: int = 1,
    literal: bool = False,
) -> Problem:
    """The problem of one or several tasks that share the target's own cores.

    `demand_rps` is one figure for every task, or one for each by its name; `max_metric` is by name, for some tasks.
    Throughput is that of requests with `batch` inputs, by default single ones as clients send them, which the server
    joins where the published configuration has dynamic batching. Raises `BadInputError` for an unknown name or a
    missing figure.
    """
    names = [task] if isinstance(task, str) else list(task)
    if not names:
        raise BadInputError(f"no task: choices are {', '.join(repository.tasks)}")
    return problem_of(
        {name: family(repository, name, target) for name in names},
        demand_rps=demand_rps if isinstance(demand_rps, Mapping) else dict.fromkeys(names, demand_rps),
        metric=metric,
        cpu_limit=cpu_limit,
        max_metric=max_metric,
        batch=batch,
        literal=literal,
    )


def problem_of(
    families: Mapping[str, Sequence[VariantOnTarget]],
    *,
    demand_rps: Mapping[str, float],
    metric: Metric = "inverse_throughput",
    cpu_limit: float = 0.65,
    max_metric: Mapping[str, float] | None = None,
    batch: int = 1,
    literal: bool = False,
) -> Problem:
    """The same problem from versions that are already read, by task."""
    highest, names = max_metric or {}, list(families)
    if odd := sorted({*demand_rps, *highest} - set(names)) or sorted(set(names) - set(demand_rps)):
        raise BadInputError(
            f"demand_rps and max_metric name tasks: {', '.join(odd)} is not one of {', '.join(names)}, or has no demand"
        )
    return Problem(
        tasks=tuple(
            Task(
                name=name,
                versions=tuple(version(one, metric, batch) for one in found),
                demand_rps=demand_rps[name],
                max_metric=highest.get(name),
            )
            for name, found in families.items()
        ),
        metric=metric,
        cpu_limit=cpu_limit,
        cores=next(iter(families.values()))[0].profile.target.cores,
        literal=literal,
    )


def version(one: VariantOnTarget, metric: Metric, batch: int) -> Version:
    """The version with its figures on the target's own cores, without those of other metrics."""
    cores = one.profile.target.cores
    return Version(
        name=one.name,
        accuracy=one.accuracy().value,
        images_per_s=one.single_rps(cores) if batch == 1 else one.images_per_s(batch, cores),
        latency_ms=one.latency_ms(1, cores) if metric == "latency" else None,
        flops=flops(one) if metric == "flops" else None,
    )


def flops(one: VariantOnTarget) -> float:
    """The FLOPs of a request; raises `BadInputError` where they are unknown."""
    found = one.profile.complexity.flops
    if not found:
        raise BadInputError(f"{one.name} has unknown FLOPs: choose metric=inverse_throughput")
    return found
