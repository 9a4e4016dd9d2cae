"""The event core: one first-come, first-served queue in front of equal servers.

A free server takes the waiting requests, up to the largest batch, and is busy for the time of a batch of that size. The
next batch always has the first requests of the queue, on the server that is free first. So the moments at which servers
become free are the only list of events of a station; other stations influence it only between two calls.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappush, heapreplace
from math import exp

import numpy as np
from numpy.typing import NDArray

# The time in s for which a batch of this many requests occupies a server.
Service = Callable[[int], float]
AT_ONCE = 4096


class Station:
    """The replicas of one variant, each with `cores` and batches of up to `batch` requests."""

    def __init__(self, service: Service, batch: int, cores: float) -> None:
        self.service, self.batch, self.cores = service, batch, cores
        self.waiting: list[float] = []
        self.free: list[float] = []
        self._leaving: list[float] = []
        self._ahead_s = 0.0
        self._taken: list[NDArray[np.int64]] = []
        self._ended, self._sizes = array("d"), array("I")

    def take(self, requests: NDArray[np.int64], moments_s: NDArray[np.float64]) -> None:
        """Adds requests to the queue at these moments, none before the last one in the queue."""
        self._taken.append(requests)
        self.waiting.extend(moments_s.tolist())

    def join(self, moment_s: float) -> None:
        """Adds a server that is free from `moment_s` on."""
        heappush(self.free, moment_s)

    def leave(self, count: int, now_s: float) -> None:
        """Makes `count` servers begin no more batches, first those that are busy longest."""
        self.free.sort()
        kept = len(self.free) - count
        self._leaving += [moment for moment in self.free[kept:] if moment > now_s]
        del self.free[kept:]

    def serve(self, until_s: float, slow: float = 1.0) -> float:
        """Begins every batch that can begin before `until_s`; each takes `slow` times as long as alone.

        Returns the busy server-seconds since the last call.
        """
        waiting, free, batch, service = self.waiting, self.free, self.batch, self.service
        ended, size = self._ended.append, self._sizes.append
        begun_s, head, count = 0.0, 0, len(waiting) if free else 0
        while head < count:
            start = waiting[head]
            if free[0] > start:
                start = free[0]
            if start >= until_s:
                break
            tail = head + 1
            if batch > 1:
                full = min(head + batch, count)
                while tail < full and waiting[tail] <= start:
                    tail += 1
            taken_s = service(tail - head) * slow
            begun_s += taken_s
            heapreplace(free, start + taken_s)
            ended(start + taken_s)
            size(tail - head)
            head = tail
        del waiting[:head]
        return self._elapsed(begun_s, until_s)

    def _elapsed(self, begun_s: float, until_s: float) -> float:
        """The busy server-seconds until `until_s`; the rest of the batches counts in later calls."""
        self._leaving = [moment for moment in self._leaving if moment > until_s]
        ahead_s = ahead(self.free, until_s) + ahead(self._leaving, until_s)
        busy_s, self._ahead_s = begun_s + self._ahead_s - ahead_s, ahead_s
        return busy_s

    @property
    def held(self) -> int:
        """The number of servers that hold their cores: those that can begin batches, and those that still finish."""
        return len(self.free) + len(self._leaving)

    @property
    def drained(self) -> bool:
        """Whether the queue is empty and no server is busy."""
        return not self.waiting and self._ahead_s == 0

    @property
    def ends_s(self) -> float:
        """The moment at which the last server is free; infinite while requests wait."""
        return float("inf") if self.waiting else max((*self.free, *self._leaving))

    def answers(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The requests that a server began, and the moment of each answer."""
        ended_s = np.repeat(np.frombuffer(self._ended), np.frombuffer(self._sizes, np.uint32))
        requests = np.concatenate([np.empty(0, np.int64), *self._taken])[: len(ended_s)]
        return requests, ended_s


def ahead(moments_s: Iterable[float], now_s: float) -> float:
    """The sum of the times from `now_s` to the moments after it, in s."""
    return sum(moment - now_s for moment in moments_s if moment > now_s)


def normals(generator: np.random.Generator) -> Callable[[], float]:
    """A source of standard normal deviates."""

    def endless() -> Iterator[float]:
        while True:
            yield from generator.normal(size=AT_ONCE).tolist()

    return endless().__next__


def sampled(service_s: Sequence[float], spread: float, normal: Callable[[], float]) -> Service:
    """Service times with a log-normal distribution around the median of each size; the median without spread."""
    if spread == 0:
        return service_s.__getitem__
    return lambda size: service_s[size] * exp(spread * normal())
