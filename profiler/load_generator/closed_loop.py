"""A closed loop: a fixed number of callers, each sending its next request when the last one is answered."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from profiler.errors import DnnPortingError, ServerError
from profiler.runtimes.served import Call, Expectation, Served

MINIMUM_ANSWERS = 8
SLICE_LIMIT_S = 60.0


@dataclass(frozen=True)
class LoadSlice:
    """One stretch of load: what was answered, how fast, and what the generator itself used."""

    requests: int
    requests_per_s: float
    latencies_s: list[float]
    client_cpu_share: float


class ClosedLoop:
    """`concurrency` threads that call one served model; every answer is checked."""

    def __init__(self, served: Served, expectation: Expectation, batch: int, concurrency: int) -> None:
        self._expectation = expectation
        self._calls = [served.prepare(expectation.images[:batch]) for _ in range(concurrency)]

    def warm_up(self) -> None:
        """A few answers from every caller."""
        self.run(seconds=0.0)

    def run(self, seconds: float) -> LoadSlice:
        """Load for `seconds`, and on until there are enough answers to count.

        The rate is taken between the first and the last answer inside the stretch, so neither the filling
        of the pipeline at its start nor its draining at the end is counted.
        """
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
        share = (time.process_time() - cpu) / (time.perf_counter() - start)
        moments = sorted(moment for moment, _ in answered)
        end = max(start + seconds, moments[MINIMUM_ANSWERS - 1])
        inside = [moment for moment in moments if moment <= end]
        rate = (len(inside) - 1) / (inside[-1] - inside[0])
        return LoadSlice(len(moments), rate, [latency for _, latency in answered], share)

    def _loop(self, call: Call, end: float, answered: list[tuple[float, float]], enough: threading.Event) -> None:
        limit = end + SLICE_LIMIT_S
        while not enough.is_set():
            sent = time.perf_counter()
            try:
                answer = call()
                now = time.perf_counter()
                self._expectation.check(answer)
            except DnnPortingError:
                enough.set()
                raise
            answered.append((now, now - sent))
            if now >= end and len(answered) >= MINIMUM_ANSWERS:
                return
            if now >= limit:
                raise ServerError(f"only {len(answered)} answers in {SLICE_LIMIT_S:.0f} s")
