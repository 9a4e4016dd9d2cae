"""Measures of a frontier in two metrics: hypervolume, knee, and the cost of a choice by a proxy metric."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pair = tuple[float, float]


def staircase(points: Sequence[Pair]) -> NDArray[np.intp]:
    """The indices of the undominated points, higher being better, in descending order of the first metric."""
    if not points:
        return np.array([], dtype=np.intp)
    table = np.asarray(points, dtype=float)
    order = np.lexsort((-table[:, 1], -table[:, 0]))
    reached = np.maximum.accumulate(table[order, 1])
    return order[np.diff(reached, prepend=-np.inf) > 0]


def hypervolume(points: Sequence[Pair], reference: Pair) -> float:
    """The area that the points dominate above `reference`, higher being better in both metrics.

    Its unit is the product of both units (Zitzler and Thiele 1999).
    """
    found = np.asarray(points, dtype=float).reshape(-1, 2)
    inside = found[(found > reference).all(axis=1)]
    steps = inside[staircase([(a, b) for a, b in inside])] - reference
    heights = np.diff(steps[:, 1], prepend=0.0)
    return float((steps[:, 0] * heights).sum())


def worst(points: Sequence[Pair]) -> Pair:
    """The default reference point: the worst value of each metric among the points."""
    first, second = zip(*points, strict=True)
    return min(first), min(second)


def knee(points: Sequence[Pair]) -> int | None:
    """The index of the point farthest above the line through the frontier's ends, both metrics scaled to 0 … 1.

    This is the bulge of Das (1999); `None` where no point lies above that line.
    """
    steps = staircase(points)
    if len(steps) < 3:
        return None
    table = np.asarray(points, dtype=float)[steps]
    scaled = (table - table.min(axis=0)) / np.ptp(table, axis=0)
    bulge = scaled.sum(axis=1) - 1.0
    return int(steps[np.argmax(bulge)]) if bulge.max() > 0 else None


@dataclass(frozen=True)
class Trust:
    """The cost of a choice by a proxy metric: the lost share of the hypervolume, and the worst slowdown.

    `slowdown` is the largest ratio, over the accuracies of the true frontier, of the best throughput at that accuracy
    or better to the best among the points that the proxy chose; `None` where the proxy chose no point so accurate.
    """

    lost_share: float
    slowdown: float | None


def cost_of_trust(points: Sequence[Pair], chosen: Sequence[int]) -> Trust:
    """The cost of choosing some (accuracy, throughput) points instead of the frontier of all."""
    taken = [points[index] for index in chosen]
    whole, part = (hypervolume(some, worst(points)) for some in (points, taken))
    return Trust(lost_share=1 - part / whole if whole else 0.0, slowdown=slowdown(points, taken))


def slowdown(points: Sequence[Pair], chosen: Sequence[Pair]) -> float | None:
    """The worst slowdown of the chosen points, as in `Trust`."""
    ratios = []
    for index in staircase(points):
        accuracy, throughput = points[index]
        reached = [other for value, other in chosen if value >= accuracy]
        if not reached:
            return None
        ratios.append(throughput / max(reached))
    return max(ratios, default=None)
