"""The bracket of a capacity from trials that met the deadline or failed, and the rate of the next trial."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 0.07
STEP = 1.3
TOP_LOAD = 2.0
LOWEST_LOAD = 0.02


@dataclass(frozen=True)
class Outcome:
    """The outcome of one trial at a rate: whether the deadline was met."""

    rate_per_s: float
    met: bool


@dataclass(frozen=True)
class Bracket:
    """The bounds of a capacity; `best` is the rate that contradicts the fewest trials.

    Every trial up to `low` met the deadline; every trial from `high` on failed.
    """

    best: float | None
    low: float | None
    high: float | None


def bracket(outcomes: Sequence[Outcome]) -> Bracket:
    """The bracket from all trials; of equally good rates the lowest is best, so that noise raises no capacity."""
    met = sorted(one.rate_per_s for one in outcomes if one.met)
    failed = sorted(one.rate_per_s for one in outcomes if not one.met)
    best = min(met, key=lambda rate: contradictions(rate, met, failed), default=None)
    low = max((rate for rate in met if not failed or rate < failed[0]), default=None)
    high = min((rate for rate in failed if not met or rate > met[-1]), default=None)
    return Bracket(best, low, high)


def contradictions(rate_per_s: float, met: Sequence[float], failed: Sequence[float]) -> int:
    """The number of trials that a capacity of this rate would contradict."""
    return sum(one <= rate_per_s for one in failed) + sum(one > rate_per_s for one in met)


def next_rate(outcomes: Sequence[Outcome], start: float, most: float) -> float | None:
    """The rate of the next trial, `None` where the bracket is narrow and two trials failed at its upper end.

    The search goes up and down from the start by a factor until one rate met the deadline and a higher one failed.
    Then it tries the geometric mean of the two. `most` is the maximal throughput; rates far from it are not tried.
    """
    top = TOP_LOAD * most
    best = bracket(outcomes).best
    failed = [one.rate_per_s for one in outcomes if not one.met]
    if not outcomes:
        return min(start, top)
    if best is None:
        lower = min(failed) / STEP
        return lower if lower >= LOWEST_LOAD * most else None
    upper = min((rate for rate in failed if rate > best), default=None)
    if upper is None:
        return min(best * STEP, top) if best * (1 + WIDTH) < top else None
    if upper > best * (1 + WIDTH):
        return math.sqrt(best * upper)
    near = sum(best < rate <= upper * (1 + WIDTH) for rate in failed)
    return upper if near < 2 else None
