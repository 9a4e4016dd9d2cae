"""Clients of several servers behind an NGINX: what they sent, what was answered, what was lost."""

import threading
import time
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from orchestrators.live.nginx import find_nginx
from profiler.common.errors import ServerError, ServerNotFoundError
from profiler.load_generator.open_loop import sleep_until
from profiler.runtimes.kserve.model import V2Call
from profiler.runtimes.served import Expectation

WAIT_S = 20


def installed() -> bool:
    try:
        return bool(find_nginx())
    except ServerNotFoundError:
        return False


NEEDS_NGINX = pytest.mark.skipif(not installed(), reason="no NGINX here: make nginx installs one")


class Load:
    """While the block runs, requests leave at `rate_rps`, and `callers` threads send the next one when answered.

    Every answer is checked. `lost` says of each request why it has no right answer; both are whole after the block.
    """

    def __init__(self, call: V2Call, expectation: Expectation, rate_rps: float, callers: int = 3) -> None:
        self._call, self._expectation, self._rate_rps = call, expectation, rate_rps
        self._threads = [threading.Thread(target=self._wait_for_each) for _ in range(callers)]
        self._threads.append(threading.Thread(target=self._send_all))
        self._over, self._lock = threading.Event(), threading.Lock()
        self.sent, self.answered, self.lost = 0, 0, list[str]()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        end = time.monotonic() + WAIT_S
        while self.answered + len(self.lost) < self.sent and time.monotonic() < end:
            time.sleep(0.01)

    def _take(self, answer: np.ndarray | ServerError) -> None:
        why = None
        try:
            if isinstance(answer, ServerError):
                raise answer
            self._expectation.check(answer, 1)
        except ServerError as error:
            why = str(error)
        with self._lock:
            if why:
                self.lost.append(why)
            else:
                self.answered += 1

    def _count(self) -> None:
        with self._lock:
            self.sent += 1

    def _wait_for_each(self) -> None:
        while not self._over.is_set():
            self._count()
            try:
                self._take(self._call())
            except ServerError as error:
                self._take(error)
            time.sleep(0.02)

    def _send_all(self) -> None:
        start, number = time.perf_counter(), 0
        while not self._over.is_set():
            sleep_until(start + number / self._rate_rps)
            number += 1
            self._count()
            try:
                self._call.send(self._take)
            except ServerError as error:
                self._take(error)
