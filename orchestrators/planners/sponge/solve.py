"""The search over all pairs of cores and batch, the cheapest first."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from orchestrators.deployment import Infeasible
from orchestrators.planners.sponge.problem import Plan, Problem


class Batch(NamedTuple):
    """The most urgent request of a batch, its wait, and the time by which its answer is late."""

    request: int
    queueing_ms: float
    over_ms: float


def solve(problem: Problem) -> Plan:
    """The plan of the least `cores + delta · batch`; of equal plans the one with fewer cores.

    Raises `Infeasible` with the request that misses its deadline, or with the highest sustained rate.
    """
    # The most urgent request first, equal ones in the given order.
    order = sorted(range(len(problem.remaining_ms)), key=problem.remaining_ms.__getitem__)
    pairs = [(cores, batch) for cores, by_batch in problem.latency_ms.items() for batch in by_batch]
    sustained = [pair for pair in pairs if problem.throughput_rps(*pair) >= problem.demand_rps]
    if not sustained:
        raise Infeasible(too_much(problem, pairs))
    for pair in sorted(sustained, key=lambda pair: (cost(problem, *pair), pair)):
        if all(one.over_ms <= 0 for one in batches(problem, order, *pair)):
            return plan(problem, order, *pair)
    raise Infeasible(too_late(problem, order, sustained))


def cost(problem: Problem, cores: int, batch: int) -> float:
    """The objective: cores + δ · batch."""
    return cores + problem.delta * batch


def batches(problem: Problem, order: Sequence[int], cores: int, batch: int) -> Iterator[Batch]:
    """The full batches in the order of service, each with its most urgent request."""
    latency_ms = problem.latency_ms[cores][batch]
    for ahead, place in enumerate(range(0, len(order), batch)):
        spent_ms = ahead * latency_ms + latency_ms + problem.cl_max_ms
        allowed_ms = problem.safety * problem.remaining_ms[order[place]]
        yield Batch(order[place], ahead * latency_ms, spent_ms - allowed_ms)


def latest(problem: Problem, order: Sequence[int], cores: int, batch: int) -> Batch:
    """The batch of the order that misses its deadline by most."""
    return max(batches(problem, order, cores, batch), key=lambda one: one.over_ms)


def plan(problem: Problem, order: Sequence[int], cores: int, batch: int) -> Plan:
    """The plan of these cores and this batch size."""
    latency_ms = problem.latency_ms[cores][batch]
    answered_ms = [0.0] * len(order)
    for place, request in enumerate(order):
        answered_ms[request] = (place // batch) * latency_ms + latency_ms
    slack_ms = [
        problem.safety * remaining - (answered + problem.cl_max_ms)
        for remaining, answered in zip(problem.remaining_ms, answered_ms, strict=True)
    ]
    return Plan(
        variant=problem.variant, task=problem.task, cores=cores, batch=batch, objective=cost(problem, cores, batch),
        latency_ms=latency_ms, throughput_rps=problem.throughput_rps(cores, batch), demand_rps=problem.demand_rps,
        order=list(order), answered_ms=answered_ms, slack_ms=slack_ms,
    )  # fmt: skip


def too_much(problem: Problem, pairs: Sequence[tuple[int, int]]) -> str:
    """The message for a demand above every throughput."""
    cores, batch = max(pairs, key=lambda pair: problem.throughput_rps(*pair))
    most = problem.throughput_rps(cores, batch)
    return (
        f"a demand of {problem.demand_rps:g} requests/s is more than {problem.variant} sustains, at most {most:.4g} "
        f"with {cores} cores and batches of {batch}: a quicker variant, more cores or less demand would help"
    )


def too_late(problem: Problem, order: Sequence[int], pairs: Sequence[tuple[int, int]]) -> str:
    """The message for the pair that sustains the demand with the least delay of its latest request."""
    cores, batch = min(pairs, key=lambda pair: (latest(problem, order, *pair).over_ms, pair))
    request, queueing_ms, over_ms = latest(problem, order, cores, batch)
    left_ms = problem.remaining_ms[request]
    return (
        f"request {request} (from 0) of {len(order)} is {over_ms:.4g} ms late even with {cores} cores and batches of "
        f"{batch}, the best pair that sustains {problem.demand_rps:g} requests/s: {queueing_ms:.4g} ms of queueing, "
        f"{problem.latency_ms[cores][batch]:.4g} ms of work and {problem.cl_max_ms:.4g} ms of communication, and "
        f"it may take {problem.safety:g} of the {left_ms:.4g} ms that are left: a quicker variant, more cores, fewer "
        f"requests at once or a longer deadline would help"
    )
