"""The time of a live run: one clock for clients, journal and probe, and the loops that tick once a second."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

# Read once: a clock that is set meanwhile would put answers beside the wrong seconds of the journal.
UNIX_S_AT_ZERO = time.time() - time.monotonic()
INTERVAL_S = 1.0
Tick = Callable[[], None]


def unix_s() -> float:
    """Seconds since 1970 by the system's clock as it was when this process began."""
    return UNIX_S_AT_ZERO + time.monotonic()


@contextmanager
def going_on(ticks: Sequence[Tick]) -> Iterator["Loops"]:
    """All of them go on while the block lasts; at its end the first error of any is raised."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(ticks)) as pool:
        loops = Loops([pool.submit(drive, tick, stop) for tick in ticks])
        try:
            yield loops
        finally:
            stop.set()
    loops.check()


class Loops:
    """The loops under way."""

    def __init__(self, futures: Sequence[Future[None]]) -> None:
        self._futures = futures

    def wait(self, seconds: float | None = None) -> None:
        """Returns after so long, by default never; raises the first error of a loop."""
        wait(self._futures, seconds, FIRST_EXCEPTION)
        self.check()

    def check(self) -> None:
        """Raises the error of a loop that has ended by one."""
        for future in self._futures:
            if future.done():
                future.result()


def drive(tick: Tick, stop: threading.Event) -> None:
    """Ticks once a second until `stop`; what takes longer than a second leaves out those that it covers."""
    due = time.monotonic()
    while not stop.wait(max(0.0, due - time.monotonic())):
        tick()
        due = max(due + INTERVAL_S, time.monotonic())
