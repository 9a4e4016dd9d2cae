"""Single requests: the moments of Poisson arrivals, sending without waiting, and a background load at an even pace."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from profiler.common.errors import ServerError
from profiler.runtimes.kserve.model import V2Call
from profiler.runtimes.served import Call, Expectation, OnAnswer, Served

# Sends one request and returns; any thread calls back with the answer or the error.
Submit = Callable[[OnAnswer], None]


def poisson(rate_per_s: float, seconds: float, seed: int) -> np.ndarray:
    """The moments (s) of Poisson arrivals within `seconds`, at least one; a seed always gives the same ones.

    Their count is random, and given the count they are uniform (Ross, Stochastic Processes, theorem 2.3.1).
    """
    generator = np.random.default_rng(seed)
    count = max(1, generator.poisson(rate_per_s * seconds))
    moments: np.ndarray = np.sort(generator.uniform(0.0, seconds, count))
    return moments


@contextmanager
def submitting(served: Served, images: np.ndarray, instances: int, cores: list[int]) -> Iterator[Submit]:
    """A function that sends a request with these images; a model in this process gets a queue of its own.

    There, `instances` threads on `cores` answer in order. Requests that wait when the block ends are dropped.
    """
    call = served.prepare(images)
    if isinstance(call, V2Call):
        yield call.send
        return
    pool = ThreadPoolExecutor(instances, initializer=os.sched_setaffinity, initargs=(0, cores))
    try:
        yield lambda on_answer: pool.submit(call).add_done_callback(lambda done: on_answer(answer_of(done)))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def answer_of(done: Future[np.ndarray]) -> np.ndarray | ServerError:
    """The answer of a call, or the error for its failure."""
    if done.cancelled():
        return ServerError("the request was dropped from the queue")
    error = done.exception()
    return done.result() if error is None else ServerError(f"inference failed: {error}")


CALLERS = 8


class PacedLoop:
    """A background load on one served model at a pace that does not depend on the answers, which are all checked.

    `CALLERS` threads take turns, so up to `CALLERS` requests are unanswered at once. A late caller sends at once.
    """

    def __init__(self, served: Served, expectation: Expectation) -> None:
        self._expectation = expectation
        self._calls = [served.prepare(expectation.images(1)) for _ in range(CALLERS)]

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
