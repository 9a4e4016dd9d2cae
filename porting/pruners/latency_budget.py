"""Widths for a budget of latency: what costs the least saliency a microsecond goes first.

After HALP (Shen et al., arXiv 2110.10811): the budget falls step by step, as what a group saves depends on how wide
its neighbours are. Ours is what several channels of a group are worth together: HALP adds up their scores, by which the
last channels of a layer are as cheap to close as the first, and it scores anew between many short trainings. In one go
that leaves blocks of a ResNet with a handful of channels.
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
# A budget that is a share of a sum of times may miss a sum by rounding.
ROUNDING = 1e-9
Widths = list[int]


class OutOfReachError(BadInputError):
    """Even the smallest network takes longer than the budget."""


class Cost(Protocol):
    """What a network takes at the widths of its groups, in µs."""

    def us(self, widths: Sequence[int], /) -> float: ...

    def around_us(self, group: int, widths: Sequence[int], /) -> float:
        """The part of it that hangs on how wide this group is."""


def widths_within(scores: Sequence[NDArray[np.float64]], cost: Cost, budget_us: float, step: int) -> Widths:
    """The width of each group of channels with these `scores` (width,), of a total cost within the budget.

    Only multiples of `step` at the edge of a plateau are taken. Raises `OutOfReachError` where the smallest network
    that this leaves is too slow.
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
    """Of each group's widths those of which every wider one costs more, the other groups at full width.

    More by what the group's own layers take: a small part of a network saves little of the whole.
    """
    found = []
    for group, most in enumerate(full):
        tried = [*range(step, most, step), most]
        found.append(efficient([(width, cost.around_us(group, changed(full, group, width))) for width in tried]))
    return found


def saliency(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the best w channels of a group hold, for every w from 0: what to close all costs more than the others.

    A score is the mean square of what the loss loses with one channel. Of several at once it is at most the square of
    the sum of the roots (Minkowski), and that much where they do the same thing, as those of one layer tend to.
    """
    roots = np.sqrt(np.maximum(np.sort(scores)[::-1], 0.0))
    closed = np.concatenate([np.cumsum(roots[::-1])[::-1], [0.0]])
    return np.asarray(closed[0] ** 2 - closed**2)


def narrowed(
    widths: Widths, candidates: Sequence[Widths], kept: Sequence[NDArray[np.float64]], cost: Cost, budget: float
) -> Widths:
    """The best widths by what each group alone would save now; at least one is narrower than before.

    Savings of neighbours overlap, so that the sum may miss the budget; the caller asks again.
    """
    now = cost.us(widths)
    groups = []
    for group, width in enumerate(widths):
        others = [one for one in candidates[group] if one <= width] or [width]
        alone = [now - cost.us([*widths[:group], one, *widths[group + 1 :]]) for one in others]
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
    """One step less in the group that loses the least saliency for each µs that it saves."""
    moves = [
        changed(widths, group, narrow)
        for group, edges in enumerate(candidates)
        for narrow, wide in pairwise(edges)
        if wide == widths[group]
    ]
    return min(moves, key=lambda other: price(other, widths, kept, cost))


def widened(
    widths: Widths, candidates: Sequence[Widths], kept: Sequence[NDArray[np.float64]], cost: Cost, budget: float
) -> Widths:
    """Spends what is left of the budget where it brings the most saliency for each µs."""
    while True:
        moves = [
            changed(widths, group, wide)
            for group, edges in enumerate(candidates)
            for narrow, wide in pairwise(edges)
            if narrow == widths[group]
        ]
        fitting = [one for one in moves if cost.us(one) <= budget]
        if not fitting:
            return widths
        widths = max(fitting, key=lambda other: price(widths, other, kept, cost))


def changed(widths: Sequence[int], group: int, width: int) -> Widths:
    return [*widths[:group], width, *widths[group + 1 :]]


def price(narrow: Widths, wide: Widths, kept: Sequence[NDArray[np.float64]], cost: Cost) -> float:
    """Saliency for each µs between two networks."""
    gained = sum(float(one[w] - one[n]) for one, n, w in zip(kept, narrow, wide, strict=True))
    us = cost.us(wide) - cost.us(narrow)
    return gained / us if us > 0 else float("inf")
