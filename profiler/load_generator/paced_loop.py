"""A background load of calls at an even pace, which does not adapt to the server and has no fixed duration."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from profiler.runtimes.served import Call, Expectation, Served

CALLERS = 8


class PacedLoop:
    """Single requests to one served model, with every answer checked.

    `CALLERS` threads take turns, so up to `CALLERS` requests are unanswered at once. A late caller sends at once.
    """

    def __init__(self, served: Served, expectation: Expectation) -> None:
        self._expectation = expectation
        self._calls = [served.prepare(expectation.images[:1]) for _ in range(CALLERS)]

    @contextmanager
    def running(self, per_s: float) -> Iterator[list[float]]:
        """Calls while the block lasts; the list fills with the moments (`time.perf_counter`) of the answers.

        At the end of the block it waits for the last answers, and raises `ServerError` where a call failed.
        """
        answered: list[float] = []
        stop = threading.Event()
        start = time.perf_counter()
        with ThreadPoolExecutor(CALLERS) as pool:
            callers = [
                pool.submit(self._take_turns, call, start + turn / per_s, CALLERS / per_s, answered, stop)
                for turn, call in enumerate(self._calls)
            ]
            try:
                yield answered
            finally:
                stop.set()
            for caller in callers:
                caller.result()

    def _take_turns(
        self, call: Call, moment: float, gap_s: float, answered: list[float], stop: threading.Event
    ) -> None:
        """Calls at `moment` and every `gap_s` after it, until `stop` is set."""
        while not stop.wait(max(0.0, moment - time.perf_counter())):
            self._expectation.check(call(), batch=1)
            answered.append(time.perf_counter())
            moment += gap_s
