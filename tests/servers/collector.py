"""Somebody to call back."""

import threading

from profiler.common.errors import ServerError

WAIT_S = 20


class Collector:
    """Takes what `send` calls back with, and waits for a number of answers."""

    def __init__(self) -> None:
        self.answers: list[bytes | ServerError] = []
        self._came = threading.Condition()

    def take(self, answer: bytes | ServerError) -> None:
        with self._came:
            self.answers.append(answer)
            self._came.notify()

    def wait_for(self, number: int) -> list[bytes | ServerError]:
        with self._came:
            assert self._came.wait_for(lambda: len(self.answers) >= number, WAIT_S)
        return self.answers
