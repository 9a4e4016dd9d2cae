"""An open loop: requests leave at their scheduled moments, whatever is still unanswered.

Latency counts from the scheduled moment, so that a server that stalls makes those late that had to wait for it,
also where the sender was held up itself (coordinated omission).
"""

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

# Given a request's place in the schedule and its answer, or why there is none, in the thread to which it came: whether
# the request counts as answered. Raises `ServerError` to end the load.
Judge = Callable[[int, np.ndarray | ServerError], bool]


@dataclass(frozen=True)
class OpenRun:
    """What became of every request, each array (requests,) in s from the start.

    `sent_s` is NaN where the loop had stopped by then, `answered_s` also where no answer came in time, or one that the
    judge does not count.
    """

    scheduled_s: np.ndarray
    sent_s: np.ndarray
    answered_s: np.ndarray
    wall_s: float
    sender_cpu_s: float

    @property
    def latencies_s(self) -> np.ndarray:
        """From the scheduled moment to the answer, NaN for what was lost."""
        waited_s: np.ndarray = self.answered_s - self.scheduled_s
        return waited_s

    @property
    def answered(self) -> int:
        return int(np.isfinite(self.answered_s).sum())

    @property
    def unsent(self) -> int:
        """Requests that the loop gave up because its backlog had reached the limit."""
        return int(np.isnan(self.sent_s).sum())

    def in_time(self, deadline_s: float) -> int:
        """Answers within the deadline; what was lost is not in time."""
        return int((self.latencies_s <= deadline_s).sum())

    def late_sends(self, lag_s: float) -> int:
        """Requests that left more than `lag_s` after their moment."""
        return int((self.sent_s - self.scheduled_s > lag_s).sum())


class OpenLoop:
    """Sends single requests by a schedule and has every answer judged.

    It stops sending where `max_backlog` requests wait for an answer, and stops waiting `drain_s` after the last
    one was sent.
    """

    def __init__(self, submit: Submit, judge: Judge, max_backlog: int, drain_s: float) -> None:
        self._submit, self._judge = submit, judge
        self._max_backlog, self._drain_s = max_backlog, drain_s

    def run(self, scheduled_s: np.ndarray) -> OpenRun:
        """Raises the `ServerError` with which the judge ends the load; a request that cannot be sent is judged too."""
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
    """Takes the answers of one run from any thread; what comes after `close` is ignored."""

    def __init__(self, requests: int, start: float, judge: Judge) -> None:
        self.count = 0
        self.error: ServerError | None = None
        self._start, self._judge = start, judge
        self._moments_s = np.full(requests, np.nan)
        self._lock = threading.Lock()

    def take(self, index: int, answer: np.ndarray | ServerError) -> None:
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
        while self.count < sent and not self.error and time.perf_counter() < limit:
            time.sleep(POLL_S)

    def close(self) -> np.ndarray:
        """When each was answered, in s from the start; raises the error that ended the load."""
        if self.error:
            raise self.error
        with self._lock:
            return self._moments_s.copy()


def nothing_but(expectation: Expectation) -> Judge:
    """Ends the load at the first request that failed or was answered wrongly."""

    def judge(_index: int, answer: np.ndarray | ServerError) -> bool:
        if isinstance(answer, ServerError):
            raise answer
        expectation.check(answer, batch=1)
        return True

    return judge


def sleep_until(moment: float) -> None:
    """Until `moment` of the performance counter; the last stretch awake, as a sleep may last longer than asked."""
    while (left_s := moment - time.perf_counter()) > 0:
        # A sleep of nothing lets the threads run that take the answers.
        time.sleep(max(0.0, left_s - SPIN_S))
