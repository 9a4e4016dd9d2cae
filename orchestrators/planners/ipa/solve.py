"""The solution of a problem; with the sum or mean of accuracies it is a multiple-choice knapsack, for HiGHS."""

import math
from collections.abc import Callable, Sequence
from statistics import fmean

from orchestrators.deployment import Infeasible
from orchestrators.planners.ipa import product
from orchestrators.planners.ipa.options import Option, options, undominated
from orchestrators.planners.ipa.problem import Plan, Problem
from orchestrators.solver import Row, minimise

EQUAL = 1e-9
# HiGHS may break rows by 1e-6: with this factor they hold to a billionth.
FINE = 1e3
# The accuracy of the pipeline from those of its stages.
PIPELINE_ACCURACY: dict[str, Callable[[list[float]], float]] = {"sum": sum, "mean": fmean, "product": math.prod}


def solve(problem: Problem) -> Plan:
    """The plan of the highest objective, of equal ones the quickest.

    Raises `Infeasible` where no choice of variants and batches is in time.
    """
    stages = [options(problem, stage) for stage in problem.stages]
    for stage, offered in zip(problem.stages, stages, strict=True):
        if not offered:
            raise Infeasible(
                f"{stage.name} was measured at no batch of 1, and without demand no other batch fills: "
                "measure batch 1, or plan for some demand"
            )
    best = product.best if problem.accuracy == "product" else best_sum
    chosen = best(problem, stages)
    if chosen is None:
        raise Infeasible(too_late(problem, stages))
    return planned(problem, chosen)


def too_late(problem: Problem, stages: Sequence[Sequence[Option]]) -> str:
    """The message that even the quickest options are too slow, with the stage that takes the longest."""
    quickest = [offered[0].time_ms for offered in stages]
    longest = max(zip(quickest, (stage.name for stage in problem.stages), strict=True))
    return (
        f"the quickest variants and batches take {sum(quickest):g} ms through all stages, and the deadline is "
        f"{problem.deadline_ms:g} ms: a longer deadline, or a quicker variant of {longest[1]}, which takes "
        f"{longest[0]:g} ms of it, would help"
    )


def planned(problem: Problem, chosen: Sequence[Option]) -> Plan:
    """The plan that gives each stage its option."""
    stages = dict(zip((stage.name for stage in problem.stages), chosen, strict=True))
    accuracy = PIPELINE_ACCURACY[problem.accuracy]([one.accuracy for one in chosen])
    resource_cost = sum(one.replicas * one.variant.cores for one in chosen)
    batch_cost = sum(one.batch for one in chosen)
    return Plan(
        variant={stage: one.variant.name for stage, one in stages.items()},
        batch={stage: one.batch for stage, one in stages.items()},
        replicas={stage: one.replicas for stage, one in stages.items()},
        cores={stage: one.variant.cores for stage, one in stages.items()},
        demand_rps=problem.demand_rps,
        objective=problem.alpha * accuracy - problem.beta * resource_cost - problem.delta * batch_cost,
        accuracy=accuracy,
        resource_cost=resource_cost,
        batch_cost=batch_cost,
        latency_ms=sum(one.time_ms for one in chosen),
    )


def best_sum(problem: Problem, stages: Sequence[Sequence[Option]]) -> list[Option] | None:
    """The options of the best plan, one for each stage, of equal plans the quickest; `None` where none is in time.

    With x = 1 for a chosen option: maximise Σ gain · x where Σ x = 1 in each stage and Σ time · x ≤ deadline. The
    second program minimises Σ time · x where Σ gain · x is as high as in the first.
    """
    weight = problem.alpha / (len(stages) if problem.accuracy == "mean" else 1)

    def gain(one: Option) -> float:
        return weight * one.accuracy - one.cost

    kept = [undominated(offered, lambda one: (gain(one),)) for offered in stages]
    flat = [one for offered in kept for one in offered]
    rows, start = [], 0
    for offered in kept:
        rows.append(Row(dict.fromkeys(range(start, start + len(offered)), 1.0), 1.0, 1.0))
        start += len(offered)
    shares = [one.time_ms / problem.deadline_ms for one in flat]
    rows.append(Row({place: FINE * share for place, share in enumerate(shares)}, high=FINE))
    upper, whole = [1.0] * len(flat), [True] * len(flat)
    first = minimise([-gain(one) for one in flat], rows, upper, whole)
    if first is None:
        return None
    scale = FINE / max(*(abs(gain(one)) for one in flat), EQUAL)
    worth = {place: scale * gain(one) for place, one in enumerate(flat)}
    reached = sum(value * first[place] for place, value in worth.items())
    rows.append(Row(worth, low=reached - FINE * EQUAL))
    second = minimise(shares, rows, upper, whole) or first
    return [one for one, x in zip(flat, second, strict=True) if x]
