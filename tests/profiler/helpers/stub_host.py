"""A host whose models take exactly as long as a test says, on one core that they share fairly."""

import queue
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from blank import blank_profile, noise
from plain_host import PlainHost

from profiler.common.errors import UnavailableError
from profiler.common.target import Resources, Target
from profiler.load_generator.reference import InProcessReference
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.records.throughput import Blocks, Energy, MaximalThroughput
from profiler.runtimes.own_process import InProcess
from profiler.runtimes.served import Call, Host
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import PreparedTarget

REFERENCE_PER_S = 1000.0


class Core:
    """Does one thing at a time, in the order of asking."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[float, threading.Event]] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def busy(self, seconds: float) -> None:
        done = threading.Event()
        self._work.put((seconds, done))
        done.wait()

    def _run(self) -> None:
        while True:
            seconds, done = self._work.get()
            time.sleep(seconds)
            done.set()


class StubModel:
    """Answers as its file does, after `seconds` on the core."""

    runtime = "stub"

    def __init__(self, path: Path, core: Core, seconds: float) -> None:
        self._model, self._core, self._seconds = InProcess(path, threads=1), core, seconds
        self._counted = 0

    def prepare(self, images: np.ndarray) -> Call:
        answer = self._model.prepare(images)()

        def call() -> np.ndarray:
            self._core.busy(self._seconds)
            self._counted += len(images)
            return answer

        return call

    def answers_counted(self) -> int:
        return self._counted


class StubHost(PlainHost):
    """`seconds` is what the model takes on one core, `other_seconds` the reference network; two cores halve it."""

    runtime = "stub"

    def __init__(
        self,
        seconds: float,
        other_seconds: float = 0.004,
        address: str | None = "stub:1",
        process: int | None = None,
    ) -> None:
        self._seconds, self._other_seconds = seconds, other_seconds
        self.address, self.process = address, process
        self._core = Core()
        self.loaded: dict[str, Resources] = {}
        self.loads = 0

    def load(self, name: str, path: Path, resources: Resources) -> StubModel:
        self.loaded[name] = resources
        self.loads += 1
        seconds = self._other_seconds if "reference" in name else self._seconds
        return StubModel(path, self._core, seconds / resources.cores)

    def unload(self, name: str) -> None:
        self.loaded.pop(name, None)


class SteadyReference(InProcessReference):
    """A machine that never drifts."""

    def __init__(self) -> None:
        pass

    def rate_per_s(self, compared_s: float = 0.0) -> float:
        return REFERENCE_PER_S


def model_on(
    host: Host, path: Path, target: Target | None = None, reference: InProcessReference | None = None
) -> ModelUnderTest:
    """The file on a prepared target around this host; the load generator has the first core, the server the second."""
    fingerprint = blank_profile().fingerprint
    prepared = PreparedTarget("here", target or Target(), fingerprint, host, reference or SteadyReference(), [1], [0])
    return ModelUnderTest(prepared, path)


def maximum(images_per_s: float, spread: float | None = None, **at: object) -> MaximalThroughput:
    """A maximum that a stub may have had on one core, with an interval of ± `spread`."""
    low, high = (None, None) if spread is None else (images_per_s - spread, images_per_s + spread)
    bounds = {"low_relative_throughput": low, "high_relative_throughput": high}
    unknown = ("low_images_per_s", "high_images_per_s", "server_answers", "server_cores_used", "core_s_per_inference")
    figures = {
        "runtime": "stub", "batch": 1, "concurrency": 2, "cores": 1, "threads": 1, "instances": 1, "slices": 6,
        "images_per_s": images_per_s, "relative_throughput": images_per_s, "answers": 9, "client_cpu_share": 0.1,
        "verdict": "settled", "verdict_reason": "it was said so", "noise": noise(),
        "saturated": True, "blocks": Blocks(counted=(images_per_s,), seconds=(1.0,), references=(1.0,)),
        "energy": Energy(source="rapl", n=1, seconds=1, joules=1, joules_per_inference=1),
    } | bounds | dict.fromkeys(unknown) | at  # fmt: skip
    reasons = {name: "nobody asked" for name, value in figures.items() if value is None}
    return MaximalThroughput.model_validate(figures | {"reasons": reasons})


def go_through(work: Measurements, ledger: Ledger, part: str) -> list[Measurement]:
    """Measures what a part asks for and the ledger lacks, as a run does; the measurements that had to be measured."""
    measured, answer = [], None
    with suppress(StopIteration):
        while True:
            measurement = work.send(answer)
            if (answer := ledger.find(measurement)) is None:
                try:
                    ledger.add(part, measurement.measure())
                except UnavailableError as error:
                    ledger.miss(measurement.missing(part, "unavailable", str(error)))
                    continue
                measured.append(measurement)
                answer = ledger.find(measurement)
                assert answer is not None, (
                    f"{measurement.kind.__name__} was asked for at {measurement.place}, and another one measured"
                )
    return measured
