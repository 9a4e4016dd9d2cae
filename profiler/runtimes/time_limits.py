"""Inferences come to an end: a thread ends those that are over their time.

Each one has its own limit, and `ends_within` bounds all that are run in a block. ONNX Runtime leaves an inference
between two operators when it is told to; it is told too when this process is interrupted. torch never does: there
this process leaves.
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
from profiler.common.leftovers import clear_away
from profiler.common.signals import on_interruption

RUN_LIMIT_S, INPUT_LIMIT_S = 10.0, 2.0
LOOK_S = 0.25


@dataclass(frozen=True)
class Running:
    """An inference: when it must have ended, and how it is made to; how it is where this process is interrupted."""

    end: float
    stop: Callable[[], None]
    interrupt: Callable[[], None]


_running: dict[int, Running] = {}
_ends: list[float] = []
_thread = threading.Thread()


def run_limit_s(batch: int) -> float:
    """The time that an inference has."""
    return RUN_LIMIT_S + INPUT_LIMIT_S * batch


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    """Every inference in the block, in whatever thread, ends when this time is over."""
    _ends.append(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.pop()


@contextmanager
def stoppable(batch: int) -> Iterator[ort.RunOptions]:
    """The options to run one inference of ONNX Runtime's with.

    Raises `ModelError` where there is no time left to begin it; one that is stopped raises ONNX Runtime's error.
    """
    options = ort.RunOptions()
    # It would print what it raises.
    options.log_severity_level = 4

    def stop() -> None:
        options.terminate = True

    with watched(batch, stop, stop):
        yield options


@contextmanager
def fatal(batch: int) -> Iterator[None]:
    """For an inference that nothing stops: this process ends where it does not."""
    with watched(batch, leave, lambda: None):
        yield


@contextmanager
def watched(batch: int, stop: Callable[[], None], interrupt: Callable[[], None]) -> Iterator[None]:
    now = time.monotonic()
    end = min([now + run_limit_s(batch), *_ends])
    if end <= now:
        raise ModelError("there is no time left for another inference: leave that size out, or give it more time")
    running = Running(end, stop, interrupt)
    _running[id(running)] = running
    if not _thread.is_alive():
        start_looking()
    try:
        yield
    finally:
        del _running[id(running)]


def start_looking() -> None:
    """Also in a forked process, in which no thread lives on."""
    global _thread  # noqa: PLW0603, one for each process
    _thread = threading.Thread(target=look, name="inferences end", daemon=True)
    _thread.start()


def look() -> None:
    while True:
        time.sleep(LOOK_S)
        now = time.monotonic()
        for running in list(_running.values()):
            if running.end <= now:
                running.stop()


def leave() -> None:
    """Ends this process, and leaves nothing."""
    clear_away()
    print(
        "dnn-porting: an inference of torch's does not end: leave its file out; what was complete stays",
        file=sys.stderr,
    )
    sys.stderr.flush()
    os._exit(1)


@on_interruption
def interrupt_all() -> None:
    for running in list(_running.values()):
        running.interrupt()
