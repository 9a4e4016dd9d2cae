"""The autoscaler's integer program, solved by HiGHS."""

import math
from collections.abc import Sequence

from orchestrators.deployment import Infeasible
from orchestrators.planners.common import ROUNDING, servers
from orchestrators.planners.infaas.planned import planned
from orchestrators.planners.infaas.problem import Limit, Plan, Problem
from orchestrators.planners.infaas.selection import why_none
from orchestrators.solver import Row, minimise

SAME = 1e-9


def solve(problem: Problem) -> Plan:
    """The plan of least cost; raises `Infeasible` where no instances meet the loads within the limits.

    Variable v is the count of variant v, variable V + v how many of these are new.
    """
    able(problem)
    rows = [*started(problem), *carried(problem), *(within(problem, limit, part) for limit, part in bounds(problem))]
    costs = [*(one.cost for one in problem.variants), *(problem.load_cost(one) for one in problem.variants)]
    found = best(costs, rows, most(problem))
    if found is None:
        raise Infeasible(overused(problem))
    return planned(problem, dict(zip((one.key for one in problem.variants), found, strict=True)))


def able(problem: Problem) -> None:
    """Raises `Infeasible` for a task whose bounds no variant meets."""
    for demand in problem.demands:
        own = [one for one in problem.variants if one.task == demand.task]
        unable = why_none(demand.task, own, demand.accuracy, demand.latency_ms)
        if unable and demand.rate_rps:
            raise Infeasible(f"{unable}; lower the bounds, or publish such a variant")


def best(costs: Sequence[float], rows: Sequence[Row], upper: Sequence[float]) -> list[int] | None:
    """The counts of least cost; of equal ones those of the first variants."""
    variants = len(costs) // 2
    whole = [True] * variants + [False] * variants
    first = minimise(costs, rows, upper, whole)
    if first is None:
        return None
    least, scale = math.fsum(map(math.prod, zip(costs, first, strict=True))), max(costs) or 1.0
    same = Row({place: cost / scale for place, cost in enumerate(costs)}, high=least / scale)
    places = [float(place) for place in range(1, variants + 1)] + [0.0] * variants
    second = minimise(places, [*rows, same], upper, whole) or first
    costlier = math.fsum(map(math.prod, zip(costs, second, strict=True))) > least * (1 + SAME)
    return [round(count) for count in (first if costlier else second)[:variants]]


def started(problem: Problem) -> list[Row]:
    """The rows count - new <= running."""
    size = len(problem.variants)
    return [Row({v: 1.0, size + v: -1.0}, high=one.running) for v, one in enumerate(problem.variants)]


def carried(problem: Problem) -> list[Row]:
    """Constraint 1 for every task, as a share of its need, at most 1 for an instance as counts are integers."""
    return [
        Row(
            {
                v: min(1.0, one.rate_rps / problem.need_rps(demand))
                for v, one in enumerate(problem.variants)
                if problem.serves(one, demand)
            },
            low=1.0,
        )
        for demand in problem.demands
        if demand.rate_rps
    ]


def bounds(problem: Problem) -> list[tuple[Limit, str]]:
    """The limited resources of each target."""
    memory = [(limit, "memory_bytes") for limit in problem.limits if limit.memory_bytes is not None]
    return [*((limit, "cores") for limit in problem.limits), *memory]


def within(problem: Problem, limit: Limit, part: str) -> Row:
    """Constraint 3, as a share of the limit."""
    there = getattr(limit, part)
    takes = {v: getattr(one, part) / there for v, one in enumerate(problem.variants) if one.target == limit.target}
    return Row(takes, high=1.0)


def most(problem: Problem) -> list[float]:
    """The upper bounds of the counts: constraint 2, and at most the instances that carry the whole load."""
    demands = {demand.task: demand for demand in problem.demands}
    highest = []
    for one in problem.variants:
        demand = demands[one.task]
        enough = servers(problem.need_rps(demand), one.rate_rps) if problem.serves(one, demand) else 0
        highest.append(float(max(one.running, enough)))
    return highest * 2


def overused(problem: Problem) -> str:
    """The message for the limits that no plan keeps: the plan that meets the loads and exceeds them least."""
    size, limits = len(problem.variants), bounds(problem)
    rows = carried(problem)
    for place, (limit, part) in enumerate(limits):
        row = within(problem, limit, part)
        rows.append(Row({**row.coefficients, size + place: -1.0}, high=1.0))
    costs = [0.0] * size + [1.0] * len(limits)
    upper = [*most(problem)[:size], *([math.inf] * len(limits))]
    found = minimise(costs, rows, upper, [True] * size + [False] * len(limits))
    if found is None:
        return "no counts meet every load"
    over = [
        f"{getattr(limit, part) * (1 + share):.4g} {part} of {limit.target}, which has {getattr(limit, part):.4g}"
        for (limit, part), share in zip(limits, found[size:], strict=True)
        if share > ROUNDING
    ]
    loads = ", ".join(f"{problem.need_rps(demand):.4g} inputs/s of {demand.task}" for demand in problem.demands)
    return f"to carry {loads} takes {' and '.join(over)}: raise the limit, or lower the accuracy, or allow more time"
