"""A queue in front of a server that joins waiting requests into batches, in simulated time.

The rules are those of Triton's dynamic batcher (`dynamic_batch_scheduler.cc`) for requests of equal shape without
priorities: see `Batching`.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapreplace

import numpy as np
from numpy.typing import NDArray

from profiler.common.batching import MAX_BATCH, Batching

# A capacity is found to 1 % of the maximum in so many halvings, with so many requests of which 1 % may be late.
HALVINGS, REQUESTS, SEED = 8, 3000, 0


@dataclass(frozen=True)
class BatchingQueue:
    """`instances` that answer a batch of n requests in `service_s[n]` each."""

    service_s: Sequence[float]
    instances: int

    @classmethod
    def of(cls, images_per_s: Mapping[int, float], instances: int) -> "BatchingQueue":
        """The queue of a model with these maximal throughputs by batch, at least two; times between are linear."""
        batches = sorted(images_per_s)
        times_s = [batch * instances / images_per_s[batch] for batch in batches]
        slope_s = max(0.0, (times_s[-1] - times_s[-2]) / (batches[-1] - batches[-2]))
        wanted = np.arange(MAX_BATCH + 1)
        found = np.interp(wanted, batches, times_s) + np.maximum(0, wanted - batches[-1]) * slope_s
        return cls(found.tolist(), instances)

    @cached_property
    def _moments(self) -> NDArray[np.float64]:
        """The moments of Poisson arrivals at 1/s, the same for every candidate."""
        moments: NDArray[np.float64] = np.random.default_rng(SEED).exponential(size=REQUESTS).cumsum()
        return moments

    def latencies_s(self, arrivals_s: NDArray[np.float64], batching: Batching | None) -> NDArray[np.float64]:
        """The time in s from each arrival to its answer; without `batching` every request is served alone."""
        arrivals, answered_s = arrivals_s.tolist(), np.empty(len(arrivals_s))
        free, first = [0.0] * self.instances, 0
        while first < len(arrivals):
            start_s, size = next_batch(arrivals, first, max(free[0], arrivals[first]), batching)
            end_s = start_s + self.service_s[size]
            heapreplace(free, end_s)
            answered_s[first : first + size] = end_s
            first += size
        return answered_s - arrivals_s

    def capacity_per_s(self, deadline_ms: float, quantile: float, batching: Batching | None) -> float:
        """The highest rate of Poisson arrivals of which the share `quantile` is answered within the deadline."""
        largest = 1 if batching is None else MAX_BATCH if batching.queue_delay_us else batching.largest
        low, high = 0.0, max(size * self.instances / self.service_s[size] for size in range(1, largest + 1))
        for _ in range(HALVINGS):
            rate = (low + high) / 2
            late = self.latencies_s(self._moments / rate, batching) > deadline_ms / 1e3
            low, high = (rate, high) if late.mean() <= 1 - quantile else (low, rate)
        return low


def next_batch(arrivals: Sequence[float], first: int, now: float, batching: Batching | None) -> tuple[float, int]:
    """The moment (s) and the size of the batch that begins with the request `first`, with an instance free at `now`."""
    if batching is None:
        return now, 1
    waiting = min(MAX_BATCH, bisect_right(arrivals, now, first) - first)
    delay_s, limit = batching.queue_delay_us / 1e6, arrivals[first] + batching.queue_delay_us / 1e6
    if delay_s and now >= limit:
        return now, waiting
    if fitting := [size for size in batching.preferred_batches if size <= waiting]:
        return now, fitting[-1]
    if not delay_s:
        return now, waiting
    full = first + batching.preferred_batches[0] - 1
    if full < len(arrivals) and arrivals[full] <= limit:
        return arrivals[full], batching.preferred_batches[0]
    return limit, bisect_right(arrivals, limit, first) - first
