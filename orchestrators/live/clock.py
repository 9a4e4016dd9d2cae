"""The time of a live run: one clock for clients, journal and probe, and the loops that tick once a second."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

# Read once: if the system clock is set during a run, answers and journal still agree on their seconds.
UNIX_S_AT_ZERO = time.time() - time.monotonic()
INTERVAL_S = 1.0
Tick = Callable[[], None]


def unix_s() -> float:
    """Seconds since 1970, from the system clock at the start of this process and the monotonic clock since."""
    return UNIX_S_AT_ZERO + time.monotonic()


@contextmanager
def running_loops(ticks: Sequence[Tick]) -> Iterator["Loops"]:
    """Calls each tick once a second, in a thread of its own, until the block ends; then raises their first error."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(ticks)) as pool:
        loops = Loops([pool.submit(drive, tick, stop) for tick in ticks])
        try:
            yield loops
        finally:
            stop.set()
    loops.check()


class Loops:
    """The running loops."""

    def __init__(self, futures: Sequence[Future[None]]) -> None:
        self._futures = futures

    def wait(self, seconds: float | None = None) -> None:
        """Returns after `seconds`, by default never; raises the first error of a loop."""
        wait(self._futures, seconds, FIRST_EXCEPTION)
        self.check()

    def check(self) -> None:
        """Raises the error that ended a loop, if there is one."""
        for future in self._futures:
            if future.done():
                future.result()


def drive(tick: Tick, stop: threading.Event) -> None:
    """Ticks once a second until `stop`; a tick that takes longer replaces those that were due meanwhile."""
    due = time.monotonic()
    while not stop.wait(max(0.0, due - time.monotonic())):
        tick()
        due = max(due + INTERVAL_S, time.monotonic())
