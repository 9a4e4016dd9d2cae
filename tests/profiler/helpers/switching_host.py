"""A host that takes a while to replace a model, and of which a test says what it answers meanwhile."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from plain_host import PlainHost

from profiler.common.target import Resources
from profiler.runtimes.own_process import InProcess
from profiler.runtimes.served import Call

LOAD_S, ANSWER_S = 0.05, 0.002


class SwitchingHost(PlainHost):
    """Takes `LOAD_S` to replace a model; meanwhile `during` makes the old one's answers, or what stands for them."""

    runtime = "switching"

    def __init__(self, path: Path, during: Callable[[np.ndarray], np.ndarray] = lambda right: right) -> None:
        self._model, self._during = InProcess(path, threads=1), during
        self.loads, self._loading = 0, False

    def load(self, name: str, path: Path, resources: Resources) -> "SwitchingHost":
        self._loading = True
        time.sleep(LOAD_S)
        self._loading = False
        self.loads += 1
        return self

    def prepare(self, images: np.ndarray) -> Call:
        right = self._model.prepare(images)()

        def call() -> np.ndarray:
            time.sleep(ANSWER_S)
            return self._during(right) if self._loading else right

        return call

    def answers_counted(self) -> None:
        return None
