"""Accuracy as the sum or the mean over stages: a multiple-choice knapsack, for HiGHS."""

from collections.abc import Sequence

from orchestrators.planners.ipa.options import Option, undominated
from orchestrators.planners.ipa.problem import Problem
from orchestrators.solver import Row, minimise

EQUAL = 1e-9
# Rows may be missed by 1e-6: so many times larger, they are held to a billionth.
FINE = 1e3


def best(problem: Problem, stages: Sequence[Sequence[Option]]) -> list[Option] | None:
    """One option of each stage with the highest objective, of equal ones the quickest; None where none is in time.

    With x = 1 for what is chosen: maximise Σ gain · x where Σ x = 1 in each stage and Σ time · x ≤ deadline. The
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
