"""A host whose models are as slow at first as a test says, and what goes through the warm-up of a file on it."""

import time
from pathlib import Path

import numpy as np
from plain_host import PlainHost
from stub_host import go_through, model_on

from profiler.common.profile_settings import WarmUpSettings
from profiler.common.target import Resources, Target
from profiler.measure.ledger import Ledger
from profiler.measure.warm_up.part import measurements
from profiler.runtimes.own_process import InProcess, OwnProcess
from profiler.runtimes.served import Call
from profiler.target.model_under_test import ModelUnderTest

IN_PROCESS = Target(runtime="onnxruntime")
SETTINGS = WarmUpSettings(loads=3, batches=[1, 4], curve_inferences=40, switch_seconds=None)


class Starter:
    """Answers as its file does, the i-th time after `seconds[i]`, and after the last of them from then on."""

    runtime = "starter"

    def __init__(self, path: Path, seconds: list[float]) -> None:
        self._model, self._seconds, self._calls = InProcess(path, threads=1), seconds, 0

    def prepare(self, images: np.ndarray) -> Call:
        answer = self._model.prepare(images)()

        def call() -> np.ndarray:
            time.sleep(self._seconds[min(self._calls, len(self._seconds) - 1)])
            self._calls += 1
            return answer

        return call

    def answers_counted(self) -> None:
        return None


class StartingHost(PlainHost):
    """Keeps its models nowhere near the file; every load is a `Starter` that was never called."""

    runtime = "starter"

    def __init__(self, seconds: list[float], address: str | None = None, controls_loading: bool = True) -> None:
        self.address, self._seconds, self.controls_loading = address, seconds, controls_loading
        self.loads, self.loaded = 0, False

    def load(self, name: str, path: Path, resources: Resources) -> Starter:
        assert not self.loaded
        self.loads, self.loaded = self.loads + 1, True
        return Starter(path, self._seconds)

    def unload(self, name: str) -> None:
        self.loaded = False


def measured(model: ModelUnderTest, settings: WarmUpSettings = SETTINGS) -> Ledger:
    ledger = Ledger([], [])
    go_through(measurements(model, settings, ledger), ledger, "warm_up")
    return ledger


def in_process(path: Path) -> ModelUnderTest:
    return model_on(OwnProcess(IN_PROCESS), path, IN_PROCESS)
