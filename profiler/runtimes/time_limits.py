"""Time limits of inferences, of each one and of all in a block, which a thread enforces.

ONNX Runtime can stop an inference between two operators, also at an interruption. torch cannot: this process exits.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import onnxruntime as ort

from profiler.common.errors import ModelError
from profiler.common.leftovers import clean_up
from profiler.common.signals import on_interruption

RUN_LIMIT_S, INPUT_LIMIT_S = 10.0, 2.0
LOOK_S = 0.25


@dataclass(frozen=True)
class Running:
    """A running inference: its end by the monotonic clock, and the calls at that time and at an interruption."""

    end: float
    stop: Callable[[], None]
    interrupt: Callable[[], None]


_running: dict[int, Running] = {}
_ends: list[float] = []
_thread = threading.Thread()


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    """Ends every inference in the block, in any thread, when this time is over."""
    _ends.append(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.pop()


@contextmanager
def stoppable(batch: int) -> Iterator[ort.RunOptions]:
    """The run options of one stoppable inference in ONNX Runtime; raises `ModelError` where no time is left."""
    options = ort.RunOptions()
    # ONNX Runtime raises the errors that it would print.
    options.log_severity_level = 4

    def stop() -> None:
        options.terminate = True

    with watched(batch, stop, stop):
        yield options


@contextmanager
def fatal(batch: int) -> Iterator[None]:
    """Ends this process if the inference in the block, which cannot be stopped, is over its limit."""
    with watched(batch, exit_now, lambda: None):
        yield


@contextmanager
def watched(batch: int, stop: Callable[[], None], interrupt: Callable[[], None]) -> Iterator[None]:
    """Watches one inference; raises `ModelError` where no time is left to begin."""
    global _thread  # noqa: PLW0603, one for each process
    now = time.monotonic()
    end = min([now + RUN_LIMIT_S + INPUT_LIMIT_S * batch, *_ends])
    if end <= now:
        raise ModelError("there is no time left for another inference: leave that size out, or give it more time")
    running = Running(end, stop, interrupt)
    _running[id(running)] = running
    # A forked process needs its own thread, as threads are not copied.
    if not _thread.is_alive():
        _thread = threading.Thread(target=stop_overdue, name="inferences end", daemon=True)
        _thread.start()
    try:
        yield
    finally:
        del _running[id(running)]


def stop_overdue() -> None:
    """Stops the inferences that are over their limits, in an endless loop."""
    while True:
        time.sleep(LOOK_S)
        now = time.monotonic()
        for running in list(_running.values()):
            if running.end <= now:
                running.stop()


def exit_now() -> None:
    """Cleans up and ends this process."""
    clean_up()
    line = "dnn-porting: an inference in torch does not end: leave its file out; complete results stay"
    print(line, file=sys.stderr, flush=True)
    os._exit(1)


@on_interruption
def interrupt_all() -> None:
    """Interrupts all running inferences."""
    for running in list(_running.values()):
        running.interrupt()
