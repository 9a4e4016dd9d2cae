"""A closed loop: a fixed number of callers, each sending its next request when the last one is answered."""

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
    """One stretch of load: all that was answered, what was counted in how many seconds, and the generator's CPU.

    Counted is from the first answer of the stretch to the first at its end or after it, so neither the filling of
    the pipeline nor its draining is; `wall_s` has both. An end that is an answer makes the ratio of sums unbiased
    (Wald 1944), and a standstill across the end of the stretch takes its time.
    """

    requests: int
    wall_s: float
    counted: float
    seconds: float
    latencies_s: list[float]
    client_cpu_share: float


class Loop(Protocol):
    """A load generator with a fixed number of callers; `slice_s` is what one stretch of it should take.

    `tells_all` says whether `LoadSlice.requests` are all that it sent, so that the server's count can be held
    against it.
    """

    slice_s: float
    tells_all: bool

    def warm_up(self) -> None: ...

    def run(self, seconds: float) -> LoadSlice: ...


class ClosedLoop:
    """`concurrency` threads that call one served model; every answer is checked."""

    tells_all = True

    def __init__(
        self, served: Served, expectation: Expectation, batch: int, concurrency: int, slice_s: float = SLICE_S
    ) -> None:
        self.slice_s = slice_s
        self._expectation, self._batch = expectation, batch
        self._calls = [served.prepare(expectation.images[:batch]) for _ in range(concurrency)]

    def warm_up(self) -> None:
        """A few answers from every caller."""
        self.run(seconds=0.0)

    def run(self, seconds: float) -> LoadSlice:
        """Load for `seconds`, and on until there are enough answers to count."""
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
    """Answers after the first one until that at `end` or next after it, at least a few, and the seconds they took."""
    last = max(bisect_left(moments, end), MINIMUM_ANSWERS - 1)
    return last, moments[last] - moments[0]
