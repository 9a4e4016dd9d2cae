"""The search for a capacity: the growth of a queue under one load, and the bracket from the trials of several rates.

Above the capacity, latency grows linearly with time (thesis, figure 5.10).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import theilslopes

from profiler.analysis.statistics import CONFIDENCE
from profiler.load_generator.open_loop import OpenRun

BLOCKS = 10
MINIMUM_REQUESTS = 4 * BLOCKS


@dataclass(frozen=True)
class Growth:
    """The growth of the latency (s per s) with its interval; `why` is the reason for every unknown value."""

    slope: float | None
    low: float | None
    high: float | None
    unstable: bool | None
    why: str


def growth(run: OpenRun, instances: int) -> Growth:
    """The slope by Theil and Sen over the medians of ten blocks of requests, which is robust against a single stall.

    The queue is unstable where the slope's 95 % interval is above 0 and no request of the second half found a free
    instance: a stable queue that was only filling becomes empty again. A lost request counts as answered at the end.
    """
    requests = len(run.scheduled_s)
    if run.unsent:
        return Growth(None, None, None, True, f"{run.unsent} of {requests} requests were not sent any more")
    answered = np.sort(run.answered_s[np.isfinite(run.answered_s)])
    backlog = np.arange(requests) - np.searchsorted(answered, run.scheduled_s, side="right")
    emptied = bool((backlog[requests // 2 :] < instances).any())
    if requests < MINIMUM_REQUESTS:
        why = f"a slope needs {MINIMUM_REQUESTS} requests, {requests} were sent"
        return Growth(None, None, None, False if emptied else None, why)
    waited_s = np.where(np.isnan(run.answered_s), run.wall_s, run.answered_s) - run.scheduled_s
    moments = [float(np.mean(block)) for block in np.array_split(run.scheduled_s, BLOCKS)]
    medians = [float(np.median(block)) for block in np.array_split(waited_s, BLOCKS)]
    slope, _, low, high = (float(value) for value in theilslopes(medians, moments, CONFIDENCE))
    if emptied or low > 0:
        return Growth(slope, low, high, not emptied, "")
    why = f"no instance was ever free, and the slope's interval from {low:.3f} to {high:.3f} contains 0"
    return Growth(slope, low, high, None, why)


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
    """The bracket from all trials; of equally good rates the highest is best, as noise makes trials fail."""
    met = sorted(one.rate_per_s for one in outcomes if one.met)
    failed = sorted(one.rate_per_s for one in outcomes if not one.met)

    def contradictions(rate: float) -> int:
        return sum(one <= rate for one in failed) + sum(one > rate for one in met)

    best = min(reversed(met), key=contradictions, default=None)
    low = max((rate for rate in met if not failed or rate < failed[0]), default=None)
    high = min((rate for rate in failed if not met or rate > met[-1]), default=None)
    return Bracket(best, low, high)


def next_rate(outcomes: Sequence[Outcome], start_per_s: float, max_per_s: float) -> float | None:
    """The rate of the next trial, `None` where the bracket is narrow and two trials failed at its upper end.

    The search changes the rate by a factor until one rate met the deadline and a higher one failed, then tries the
    geometric mean of the two. Rates far from the maximal throughput `max_per_s` are not tried.
    """
    top_per_s = TOP_LOAD * max_per_s
    best = bracket(outcomes).best
    failed = [one.rate_per_s for one in outcomes if not one.met]
    if not outcomes:
        return min(start_per_s, top_per_s)
    if best is None:
        lower = min(failed) / STEP
        return lower if lower >= LOWEST_LOAD * max_per_s else None
    upper = min((rate for rate in failed if rate > best), default=None)
    if upper is None:
        return min(best * STEP, top_per_s) if best * (1 + WIDTH) < top_per_s else None
    if upper > best * (1 + WIDTH):
        return math.sqrt(best * upper)
    near = sum(best < rate <= upper * (1 + WIDTH) for rate in failed)
    return upper if near < 2 else None
