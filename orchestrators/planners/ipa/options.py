"""The options of each stage: a variant and a batch, from which the replicas follow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrators.deployment import Infeasible
from orchestrators.planners.common import MS_PER_S, servers
from orchestrators.planners.ipa.problem import Problem, Stage, Variant


@dataclass(frozen=True)
class Option:
    """`cost` is β · n · R + δ · b; `time_ms` is the time of a batch plus the wait until the batch is full."""

    variant: Variant
    batch: int
    replicas: int
    cost: float
    time_ms: float

    @property
    def accuracy(self) -> float:
        """The accuracy of the variant."""
        return self.variant.accuracy


def options(problem: Problem, stage: Stage) -> list[Option]:
    """Every variant with every batch that can fill, the quickest first; equal ones by name and batch."""
    found = [
        Option(
            one,
            batch,
            replicas := max(1, servers(problem.demand_rps, rate)),
            problem.beta * replicas * one.cores + problem.delta * batch,
            one.latency_ms[batch] + waiting_ms(problem, stage, batch),
        )
        for one in stage.variants
        for batch, rate in one.throughput_rps.items()
        if batch == 1 or problem.demand_rps > 0
    ]
    return sorted(found, key=lambda one: (one.time_ms, one.variant.name, one.batch))


def waiting_ms(problem: Problem, stage: Stage, batch: int) -> float:
    """The time for which the first request of a batch waits for the last; with `literal` the published constant."""
    if problem.demand_rps == 0:
        return 0.0
    if not problem.literal:
        return MS_PER_S * (batch - 1) / problem.demand_rps
    batches = {size for other in problem.stages for one in other.variants for size in one.latency_ms}
    return MS_PER_S * len(stage.variants) * (1 - len(batches)) / problem.demand_rps


def undominated(found: Sequence[Option], better: Callable[[Option], Sequence[float]]) -> list[Option]:
    """The options that no quicker one equals or exceeds in all figures of `better`."""
    kept: list[tuple[Option, Sequence[float]]] = []
    for one in sorted(found, key=lambda one: (one.time_ms, [-figure for figure in better(one)])):
        figures = better(one)
        if not any(all(a >= b for a, b in zip(other, figures, strict=True)) for _, other in kept):
            kept.append((one, figures))
    return [one for one, _ in kept]


def within(problem: Problem, cores: float) -> Problem:
    """A problem of one stage without the variants and batches whose replicas need more than `cores`.

    The published planner bounds replicas only by their cost. Raises `Infeasible` where no option is left.
    """
    (stage,) = problem.stages
    taken = {(one.variant.name, one.batch): one.replicas * one.variant.cores for one in options(problem, stage)}
    fitting = {place for place, needed in taken.items() if needed <= cores}
    if taken and not fitting:
        raise Infeasible(
            f"{problem.demand_rps:.4g} requests/s of {stage.name} take {min(taken.values()):g} cores or more, and it "
            f"has {cores:g}: more cores, or a quicker variant, would help"
        )
    left = []
    for one in stage.variants:
        tables = {"latency_ms": one.latency_ms, "throughput_rps": one.throughput_rps}
        kept = {
            name: {batch: figure for batch, figure in table.items() if (one.name, batch) in fitting}
            for name, table in tables.items()
        }
        left += [one.model_copy(update=kept)] if kept["latency_ms"] else []
    return problem.model_copy(update={"stages": [Stage(name=stage.name, variants=left)] if left else problem.stages})
