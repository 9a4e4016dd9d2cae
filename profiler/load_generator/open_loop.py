"""An open loop: requests are sent at scheduled moments, from which latency counts (no coordinated omission)."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from profiler.common.errors import ServerError
from profiler.load_generator.single_requests import Submit
from profiler.runtimes.served import Expectation

SPIN_S = 2e-4
LEAD_S = 5e-3
POLL_S = 1e-3

# From the index of a request and its answer or error, whether the request counts as answered. It is called in the
# thread that received the answer, and raises `ServerError` to end the load.
Judge = Callable[[int, np.ndarray | ServerError], bool]


@dataclass(frozen=True)
class OpenRun:
    """The outcome of every request; each array has shape (requests,) and is in s from the start.

    `sent_s` is NaN for unsent requests, `answered_s` also for requests without an answer that counts.
    """

    scheduled_s: np.ndarray
    sent_s: np.ndarray
    answered_s: np.ndarray
    wall_s: float
    sender_cpu_s: float

    @property
    def latencies_s(self) -> np.ndarray:
        """The times from the scheduled moment to the answer, NaN for lost requests."""
        waited_s: np.ndarray = self.answered_s - self.scheduled_s
        return waited_s

    @property
    def answered(self) -> int:
        """The number of answered requests."""
        return int(np.isfinite(self.answered_s).sum())

    @property
    def unsent(self) -> int:
        """The number of requests that were not sent because the backlog had reached its limit."""
        return int(np.isnan(self.sent_s).sum())

    def in_time(self, deadline_s: float) -> int:
        """The number of answers within the deadline; lost requests are not in time."""
        return int((self.latencies_s <= deadline_s).sum())

    def late_sends(self, lag_s: float) -> int:
        """The number of requests that were sent more than `lag_s` after their moment."""
        return int((self.sent_s - self.scheduled_s > lag_s).sum())


class OpenLoop:
    """A sender of single requests by a schedule, up to `max_backlog` unanswered ones; it waits `drain_s` at the end."""

    def __init__(self, submit: Submit, judge: Judge, max_backlog: int, drain_s: float) -> None:
        self._submit, self._judge = submit, judge
        self._max_backlog, self._drain_s = max_backlog, drain_s

    def run(self, scheduled_s: np.ndarray) -> OpenRun:
        """The outcome of this schedule (s from the start); a request that cannot be sent is judged too.

        Raises the `ServerError` with which the judge ends the load.
        """
        sent_s = np.full(len(scheduled_s), np.nan)
        cpu_s, start = time.thread_time(), time.perf_counter() + LEAD_S
        answers = Answers(len(scheduled_s), start, self._judge)
        for index, moment in enumerate(scheduled_s):
            sleep_until(start + moment)
            if answers.error or index - answers.count >= self._max_backlog:
                break
            sent_s[index] = time.perf_counter() - start
            try:
                self._submit(partial(answers.take, index))
            except ServerError as error:
                answers.take(index, error)
        sender_cpu_s = time.thread_time() - cpu_s
        answers.wait(int(np.isfinite(sent_s).sum()), time.perf_counter() + self._drain_s)
        answered_s = answers.close()
        return OpenRun(scheduled_s, sent_s, answered_s, time.perf_counter() - start, sender_cpu_s)


class Answers:
    """The answers of one run, received in any thread; answers after `close` are ignored."""

    def __init__(self, requests: int, start: float, judge: Judge) -> None:
        self.count = 0
        self.error: ServerError | None = None
        self._start, self._judge = start, judge
        self._moments_s = np.full(requests, np.nan)
        self._lock = threading.Lock()

    def take(self, index: int, answer: np.ndarray | ServerError) -> None:
        """Judges the answer to one request and keeps its moment where it counts."""
        moment_s = time.perf_counter() - self._start
        try:
            answered = self._judge(index, answer)
        except ServerError as error:
            self.error, answered = self.error or error, False
        with self._lock:
            if answered:
                self._moments_s[index] = moment_s
            self.count += 1

    def wait(self, sent: int, limit: float) -> None:
        """Waits until all `sent` requests have an answer, an error ended the load, or the moment `limit`."""
        while self.count < sent and not self.error and time.perf_counter() < limit:
            time.sleep(POLL_S)

    def close(self) -> np.ndarray:
        """The moments of the answers, in s from the start; raises the error that ended the load."""
        if self.error:
            raise self.error
        with self._lock:
            return self._moments_s.copy()


def expecting(expectation: Expectation) -> Judge:
    """The judge that ends the load at the first request that failed or had a wrong answer."""

    def judge(_index: int, answer: np.ndarray | ServerError) -> bool:
        if isinstance(answer, ServerError):
            raise answer
        expectation.check(answer, batch=1)
        return True

    return judge


def sleep_until(moment: float) -> None:
    """Waits until a moment of the performance counter, at the end without sleeping, as a sleep may take too long."""
    while (left_s := moment - time.perf_counter()) > 0:
        # A sleep of 0 s lets the threads run that receive answers.
        time.sleep(max(0.0, left_s - SPIN_S))
