"""The event core: one queue, first come first served, before servers alike.

A free server takes what waits, up to the largest batch, and is busy for the time that a batch of that size takes. The
next batch to begin is always the queue's first, on the server that is free first, so a station needs no list of events
beyond the moments at which its servers become free; what other stations do reaches it only between two calls.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappush, heapreplace
from math import exp

import numpy as np
from numpy.typing import NDArray

# How long a batch of so many requests occupies a server, in s.
Service = Callable[[int], float]
AT_ONCE = 4096


class Station:
    """Replicas of one variant, each on `cores` and in batches of up to `batch`."""

    def __init__(self, service: Service, batch: int, cores: float) -> None:
        self.service, self.batch, self.cores = service, batch, cores
        self.waiting: list[float] = []
        self.free: list[float] = []
        self._leaving: list[float] = []
        self._ahead_s = 0.0
        self._taken: list[NDArray[np.int64]] = []
        self._ended, self._sizes = array("d"), array("I")

    def take(self, requests: NDArray[np.int64], moments_s: NDArray[np.float64]) -> None:
        """These requests join the queue at these moments, none of them before what waits already."""
        self._taken.append(requests)
        self.waiting.extend(moments_s.tolist())

    def join(self, moment_s: float) -> None:
        """One more server, free from then on."""
        heappush(self.free, moment_s)

    def leave(self, count: int, now_s: float) -> None:
        """So many servers begin nothing more, those first that are busy longest."""
        self.free.sort()
        kept = len(self.free) - count
        self._leaving += [moment for moment in self.free[kept:] if moment > now_s]
        del self.free[kept:]

    def serve(self, until_s: float, slow: float = 1.0) -> float:
        """Begins every batch that can begin before then, each `slow` times as long as alone.

        Returns for how many server-seconds its servers were busy since the call before.
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
        """What was begun, and what of it and of earlier batches still lies ahead."""
        self._leaving = [moment for moment in self._leaving if moment > until_s]
        ahead_s = ahead(self.free, until_s) + ahead(self._leaving, until_s)
        busy_s, self._ahead_s = begun_s + self._ahead_s - ahead_s, ahead_s
        return busy_s

    @property
    def held(self) -> int:
        """Servers that hold their cores: those that can begin something, and those that still finish."""
        return len(self.free) + len(self._leaving)

    @property
    def drained(self) -> bool:
        """Whether nothing waits and nobody works any more."""
        return not self.waiting and self._ahead_s == 0

    @property
    def ends_s(self) -> float:
        """When the last server is done with what it began; never while something waits."""
        return float("inf") if self.waiting else max((*self.free, *self._leaving))

    def answers(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The requests that were begun, and when each was answered."""
        ended_s = np.repeat(np.frombuffer(self._ended), np.frombuffer(self._sizes, np.uint32))
        requests = np.concatenate([np.empty(0, np.int64), *self._taken])[: len(ended_s)]
        return requests, ended_s


def ahead(moments_s: Iterable[float], now_s: float) -> float:
    """How much of these moments still lies in the future, in s."""
    return sum(moment - now_s for moment in moments_s if moment > now_s)


def normals(generator: np.random.Generator) -> Callable[[], float]:
    """Standard normal deviates one by one."""

    def endless() -> Iterator[float]:
        while True:
            yield from generator.normal(size=AT_ONCE).tolist()

    return endless().__next__


def sampled(service_s: Sequence[float], spread: float, normal: Callable[[], float]) -> Service:
    """Log-normal around the median of each size; always the median where there is no spread."""
    if spread == 0:
        return service_s.__getitem__
    return lambda size: service_s[size] * exp(spread * normal())
