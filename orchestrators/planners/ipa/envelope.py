"""A Lagrangian bound for products of accuracies, with a price μ of time.

The stages from j on turn the product s of the earlier stages into at most

    f_j(s) = max over their choices of  s · Π accuracy − Σ (cost + μ · time)

which is the upper envelope of straight lines in s, and follows from that of the next stage. f_0(α) + μ · deadline
bounds the objective. The bound is convex in μ; the intersections of tangents find its minimum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TANGENTS, DOUBLINGS = 30, 60


@dataclass(frozen=True)
class Choices:
    """The options of one stage, as arrays (options,)."""

    accuracy: Floats
    cost: Floats
    time: Floats


@dataclass(frozen=True)
class Lines:
    """The upper envelope of slope · s + height over s ≥ 0, by rising slope, with the time of each line's choices."""

    slope: Floats
    height: Floats
    time: Floats

    def at(self, s: Floats | float) -> tuple[Floats, Ints]:
        """The values at s, and the indices of their lines."""
        meets = (self.height[:-1] - self.height[1:]) / (self.slope[1:] - self.slope[:-1])
        line = np.searchsorted(meets, s)
        return self.slope[line] * s + self.height[line], line


@dataclass(frozen=True)
class Bound:
    """A price of time, the bound and its slope there, and the envelope from each stage on; after the last it is s."""

    price: float
    value: float
    slope: float
    ahead: list[Lines]


def lowest(stages: Sequence[Choices], alpha: float, deadline: float) -> Bound:
    """The lowest bound over all prices, which exists where some choice is in time."""
    left = right = at_price(stages, alpha, deadline, 0.0)
    step = (alpha + sum(float(one.cost.max()) for one in stages)) / deadline or 1.0
    for _ in range(DOUBLINGS):
        if right.slope >= 0:
            break
        left, right, step = right, at_price(stages, alpha, deadline, right.price + step), 2 * step
    for _ in range(TANGENTS):
        if left.slope >= 0 or right.slope <= left.slope:
            break
        across = right.value - left.value + left.slope * left.price - right.slope * right.price
        middle = at_price(stages, alpha, deadline, across / (left.slope - right.slope))
        if not left.price < middle.price < right.price:
            break
        left, right = (middle, right) if middle.slope < 0 else (left, middle)
    return min(left, right, key=lambda one: one.value)


def at_price(stages: Sequence[Choices], alpha: float, deadline: float, price: float) -> Bound:
    """The bound at a price of time."""
    ahead = [Lines(np.ones(1), np.zeros(1), np.zeros(1))]
    for stage in reversed(stages):
        ahead.append(before(stage, ahead[-1], price))
    ahead.reverse()
    value, line = ahead[0].at(alpha)
    return Bound(price, float(value) + price * deadline, deadline - float(ahead[0].time[line]), ahead)


def before(stage: Choices, lines: Lines, price: float) -> Lines:
    """The envelope from a stage on, given that from the next one: the upper of all options with all lines."""
    slope = (stage.accuracy[:, None] * lines.slope).ravel()
    height = (lines.height - (stage.cost + price * stage.time)[:, None]).ravel()
    time = (stage.time[:, None] + lines.time).ravel()
    falling = np.lexsort((time, -height, -slope))
    highest = np.concatenate([[-np.inf], np.maximum.accumulate(height[falling])[:-1]])
    rising = falling[height[falling] > highest][::-1]
    kept: list[int] = []
    for place in map(int, rising):
        while len(kept) > 1 and not above(slope, height, kept[-2], kept[-1], place):
            kept.pop()
        kept.append(place)
    return Lines(slope[kept], height[kept], time[kept])


def above(slope: Floats, height: Floats, first: int, second: int, third: int) -> bool:
    """Whether the second of three lines with rising slopes is above both others somewhere."""
    one = (height[first] - height[second]) * (slope[third] - slope[second])
    other = (height[second] - height[third]) * (slope[second] - slope[first])
    return bool(one < other)
