"""The growth of a queue: above the capacity, latency grows linearly with time (thesis, figure 5.10)."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import theilslopes

from profiler.analysis.statistics import CONFIDENCE
from profiler.load_generator.open_loop import OpenRun

BLOCKS = 10
MINIMUM_REQUESTS = 4 * BLOCKS


@dataclass(frozen=True)
class Growth:
    """The growth of the latency (s per s) with its interval; `why` is the reason for every unknown value.

    `exploding` says whether the queue is unstable.
    """

    slope: float | None
    low: float | None
    high: float | None
    exploding: bool | None
    why: str


def growth(run: OpenRun, instances: int) -> Growth:
    """The slope by Theil and Sen over the medians of ten blocks of requests, which is robust against a single stall.

    The queue is unstable where the slope's 95 % interval is above 0 and no request of the second half found a free
    instance: a stable queue that was only filling becomes empty again. A lost request counts as answered at the end.
    """
    requests = len(run.scheduled_s)
    if run.unsent:
        return Growth(None, None, None, True, f"{run.unsent} of {requests} requests were not sent any more")
    emptied = bool((backlog(run)[requests // 2 :] < instances).any())
    if requests < MINIMUM_REQUESTS:
        few = f"a slope needs {MINIMUM_REQUESTS} requests, {requests} were sent"
        return Growth(None, None, None, False if emptied else None, few)
    waited_s = np.where(np.isnan(run.answered_s), run.wall_s, run.answered_s) - run.scheduled_s
    moments = [float(np.mean(block)) for block in np.array_split(run.scheduled_s, BLOCKS)]
    medians = [float(np.median(block)) for block in np.array_split(waited_s, BLOCKS)]
    slope, _, low, high = (float(value) for value in theilslopes(medians, moments, CONFIDENCE))
    if emptied or low > 0:
        return Growth(slope, low, high, not emptied, "")
    why = f"no instance was ever free, and the slope's interval from {low:.3f} to {high:.3f} holds 0"
    return Growth(slope, low, high, None, why)


def backlog(run: OpenRun) -> np.ndarray:
    """The number of earlier requests that were unanswered at the moment of each request, (requests,)."""
    answered = np.sort(run.answered_s[np.isfinite(run.answered_s)])
    waiting: np.ndarray = np.arange(len(run.scheduled_s)) - np.searchsorted(answered, run.scheduled_s, side="right")
    return waiting
