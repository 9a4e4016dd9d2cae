"""The widths that keep the most saliency within a budget of latency.

The method is that of HALP (Shen et al., arXiv 2110.10811): the budget falls in steps, as the savings of a group depend
on the widths of its neighbours. It differs in the value of several channels of a group (`saliency`). HALP adds up their
scores, so that the last channels of a layer cost as little as the first, and scores again between many short trainings.
In a single cut this would leave a few channels in some blocks of a ResNet.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from porting.pruners.knapsack import Choice, best_choices
from profiler.common.errors import BadInputError
from profiler.operators.table import efficient

STEPS = 12
# A budget that is a share of a sum may be too small by rounding.
ROUNDING = 1e-9
Widths = list[int]


class OutOfReachError(BadInputError):
    """The smallest network takes longer than the budget."""


class Cost(Protocol):
    """The latency of a network as a function of the widths of its groups, in µs."""

    def us(self, widths: Sequence[int], /) -> float:
        """The latency of the network."""

    def around_us(self, group: int, widths: Sequence[int], /) -> float:
        """The part of the latency that depends on the width of this group."""


def widths_within(scores: Sequence[NDArray[np.float64]], cost: Cost, budget_us: float, step: int) -> Widths:
    """The widths of groups with these `scores` (width,), with a total cost within the budget.

    Only multiples of `step` at the edge of a plateau are offered. Raises `OutOfReachError` where the smallest network
    of these widths is too slow.
    """
    budget_us *= 1 + ROUNDING
    full = [len(one) for one in scores]
    candidates = offered(cost, full, step)
    smallest = cost.us([min(one) for one in candidates])
    if smallest > budget_us:
        raise OutOfReachError(
            f"a latency of {budget_us:.0f} µs cannot be reached by pruning in steps of {step} channels: "
            f"the smallest network takes {smallest:.0f} of {cost.us(full):.0f} µs"
        )
    kept = [saliency(one) for one in scores]
    widths = full
    for budget in np.geomspace(max(cost.us(full), budget_us), budget_us, STEPS + 1)[1:]:
        while cost.us(widths) > budget:
            widths = narrowed(widths, candidates, kept, cost, float(budget))
    return widened(widths, candidates, kept, cost, budget_us)


def offered(cost: Cost, full: Sequence[int], step: int) -> list[Widths]:
    """The widths of each group for which every wider one costs more, with all other groups at full width.

    Only the layers around the group are compared, as a single group hardly changes the cost of the whole network.
    """
    found = []
    for group, most in enumerate(full):
        tried = [*range(step, most, step), most]
        found.append(efficient([(width, cost.around_us(group, changed(full, group, width))) for width in tried]))
    return found


def saliency(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The saliency of the best w channels of a group, for every w from 0 to its width (width + 1,).

    It is the saliency of all channels less that of the closed ones. A score is the mean square of the change in loss
    for one closed channel. The score of several channels is at most the square of the sum of the roots (Minkowski's
    inequality). The bound is reached where the channels have the same effect, which those of one layer tend to.
    """
    roots = np.sqrt(np.maximum(np.sort(scores)[::-1], 0.0))
    closed = np.concatenate([np.cumsum(roots[::-1])[::-1], [0.0]])
    return np.asarray(closed[0] ** 2 - closed**2)


def narrowed(
    widths: Widths, candidates: Sequence[Widths], kept: Sequence[NDArray[np.float64]], cost: Cost, budget: float
) -> Widths:
    """The best widths by the savings of each group alone; at least one group becomes narrower.

    The savings of neighbours overlap, so that the result may exceed the budget and the caller repeats the call.
    """
    now = cost.us(widths)
    groups = []
    for group, width in enumerate(widths):
        others = [one for one in candidates[group] if one <= width] or [width]
        alone = [now - cost.us(changed(widths, group, one)) for one in others]
        groups.append([
            Choice(one, float(kept[group][one]), max(alone) - saved) for one, saved in zip(others, alone, strict=True)
        ])  # fmt: skip
    least = now - sum(max(choice.us for choice in choices) for choices in groups)
    room = max(0.0, budget - least)
    chosen = best_choices(groups, room)
    found = [choice.width for choice in chosen] if chosen else [min(c.width for c in one) for one in groups]
    return found if found != widths else next_narrower(widths, candidates, kept, cost)


def next_narrower(
    widths: Widths, candidates: Sequence[Widths], kept: Sequence[NDArray[np.float64]], cost: Cost
) -> Widths:
    """The widths with one group a step narrower: the one that loses the least saliency for each µs saved."""
    return min(moves(widths, candidates, wider=False), key=lambda other: price(other, widths, kept, cost))


def widened(
    widths: Widths, candidates: Sequence[Widths], kept: Sequence[NDArray[np.float64]], cost: Cost, budget: float
) -> Widths:
    """Spends the rest of the budget on the groups that gain the most saliency for each µs."""
    while True:
        fitting = [one for one in moves(widths, candidates, wider=True) if cost.us(one) <= budget]
        if not fitting:
            return widths
        widths = max(fitting, key=lambda other: price(widths, other, kept, cost))


def moves(widths: Widths, candidates: Sequence[Widths], wider: bool) -> list[Widths]:
    """All widths with one group a step wider, or a step narrower."""
    return [
        changed(widths, group, new)
        for group, edges in enumerate(candidates)
        for old, new in pairwise(edges if wider else edges[::-1])
        if old == widths[group]
    ]


def changed(widths: Sequence[int], group: int, width: int) -> Widths:
    """The widths with another one for this group."""
    return [*widths[:group], width, *widths[group + 1 :]]


def price(narrow: Widths, wide: Widths, kept: Sequence[NDArray[np.float64]], cost: Cost) -> float:
    """The difference in saliency between two networks for each µs of difference in latency."""
    gained = sum(float(one[w] - one[n]) for one, n, w in zip(kept, narrow, wide, strict=True))
    us = cost.us(wide) - cost.us(narrow)
    return gained / us if us > 0 else float("inf")
