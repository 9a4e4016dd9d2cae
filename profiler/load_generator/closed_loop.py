"""A closed loop: a fixed number of callers, each of which sends its next request after the last answer."""

import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from profiler.common.errors import DnnPortingError, ServerError
from profiler.runtimes.served import Call, Expectation, Served

SLICE_S = 0.1
MINIMUM_ANSWERS = 4
SLICE_LIMIT_S = 60.0


@dataclass(frozen=True)
class LoadSlice:
    """One stretch of load: all answered `requests`, the `counted` answers and their `seconds`, and the client's CPU.

    The count runs from the first answer of the stretch to the first one at or after its end, so it excludes the filling
    and the draining of the pipeline. Ending at an answer makes the ratio of sums unbiased (Wald 1944).
    """

    requests: int
    wall_s: float
    counted: float
    seconds: float
    latencies_s: list[float]
    client_cpu_share: float


class Loop(Protocol):
    """A load generator with a fixed number of callers; `slice_s` is the usual length of one stretch.

    `counts_all` says whether `LoadSlice.requests` counts all sent requests, so that the server's count must match.
    """

    slice_s: float
    counts_all: bool

    def warm_up(self) -> None:
        """Sends load that is not measured."""

    def run(self, seconds: float) -> LoadSlice:
        """The figures of one stretch of load."""


class ClosedLoop:
    """A closed loop of `concurrency` threads that call one served model and check every answer."""

    counts_all = True

    def __init__(
        self, served: Served, expectation: Expectation, batch: int, concurrency: int, slice_s: float = SLICE_S
    ) -> None:
        self.slice_s = slice_s
        self._expectation, self._batch = expectation, batch
        self._calls = [served.prepare(expectation.images(batch)) for _ in range(concurrency)]

    def warm_up(self) -> None:
        """Has every caller get a few answers."""
        self.run(seconds=0.0)

    def run(self, seconds: float) -> LoadSlice:
        """The figures of load for `seconds`, or longer until there are enough answers to count."""
        cpu, start = time.process_time(), time.perf_counter()
        answered: list[tuple[float, float]] = []
        enough = threading.Event()
        with ThreadPoolExecutor(len(self._calls)) as pool:
            callers = [pool.submit(self._loop, call, start + seconds, answered, enough) for call in self._calls]
            try:
                for caller in callers:
                    caller.result()
            finally:
                enough.set()
        wall_s = time.perf_counter() - start
        share = (time.process_time() - cpu) / wall_s
        moments = sorted(moment for moment, _ in answered)
        counted, counted_s = count(moments, start + seconds)
        latencies_s = [latency for _, latency in answered]
        return LoadSlice(len(moments), wall_s, counted, counted_s, latencies_s, share)

    def _loop(self, call: Call, end: float, answered: list[tuple[float, float]], enough: threading.Event) -> None:
        limit = end + SLICE_LIMIT_S
        while not enough.is_set():
            sent = time.perf_counter()
            try:
                answer = call()
                now = time.perf_counter()
                self._expectation.check(answer, self._batch)
            except DnnPortingError:
                enough.set()
                raise
            answered.append((now, now - sent))
            if now >= end and len(answered) >= MINIMUM_ANSWERS:
                return
            if now >= limit:
                raise ServerError(f"only {len(answered)} answers in {SLICE_LIMIT_S:.0f} s")


def count(moments: Sequence[float], end: float) -> tuple[int, float]:
    """The answers after the first one up to the first at or after `end`, at least three, and their seconds."""
    last = max(bisect_left(moments, end), MINIMUM_ANSWERS - 1)
    return last, moments[last] - moments[0]
