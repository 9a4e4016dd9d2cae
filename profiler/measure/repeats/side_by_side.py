"""Throughput and latency in the same moments: slices of load, of single inferences, and of the reference in turn.

The built-in loop whatever the target names: perf_analyzer cannot run for so short a time.
"""

import time
from dataclasses import dataclass, field

import numpy as np

from profiler.load_generator.closed_loop import SLICE_S, ClosedLoop, LoadSlice
from profiler.load_generator.reference import SLICE_S as REFERENCE_SLICE_S
from profiler.load_generator.reference import Reference
from profiler.measure.latency.part import WARM_RUNS, time_runs
from profiler.records.throughput import MaximalThroughput
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.own_process import computation
from profiler.system.machine import pinned
from profiler.target.model_under_test import ModelUnderTest

LATENCY_SLICE_S = 0.1
TURN_S = SLICE_S + LATENCY_SLICE_S + 4 * REFERENCE_SLICE_S


@dataclass
class Turn:
    """A slice of load and one of single inferences, each with the reference's rate around it."""

    load: LoadSlice
    load_reference_per_s: float
    latencies_ms: list[float]
    latency_reference_per_s: float


@dataclass
class Repeat:
    """The turns of one repeat; relative figures count inferences of the reference in the same moments."""

    turns: list[Turn] = field(default_factory=list)

    def answers_per_s(self) -> float:
        """Answers a second over the slices of load."""
        return self._counted() / sum(one.load.seconds for one in self.turns)

    def relative_answers(self) -> float:
        """Answers for each inference of the reference."""
        return self._counted() / sum(one.load.seconds * one.load_reference_per_s for one in self.turns)

    def latencies_ms(self) -> list[float]:
        """The latency of every single inference."""
        return [value for one in self.turns for value in one.latencies_ms]

    def relative_latencies(self) -> list[float]:
        """The latency of every single inference, in inferences of the reference."""
        return [value / 1e3 * one.latency_reference_per_s for one in self.turns for value in one.latencies_ms]

    def reference_per_s(self) -> float:
        """The median rate of the reference beside the slices of load."""
        return float(np.median([one.load_reference_per_s for one in self.turns]))

    def _counted(self) -> float:
        return sum(one.load.counted for one in self.turns)


class SideBySide:
    """The target's best closed loop, and a model of this process on the server's cores, both warm."""

    def __init__(self, model: ModelUnderTest, maximum: MaximalThroughput) -> None:
        self._model = model
        self._cores = model.cores(model.own)
        with model.driving():
            self._loop = ClosedLoop(model.serve(), model.expectation, maximum.batch, maximum.concurrency)
            self._loop.warm_up()
        with pinned(self._cores):
            self._call = computation(model.target, model.path, model.own.threads).prepare(
                sample_input(model.shapes[0], 1)
            )
            for _ in range(WARM_RUNS):
                self._call()
        self._beside_load = Beside(model.reference())
        self._beside_latency = Beside(model.in_process_reference)

    def repeat(self, seconds: float) -> Repeat:
        """Turns for `seconds`, at least one."""
        repeat, end = Repeat(), time.perf_counter() + seconds
        while not repeat.turns or time.perf_counter() < end:
            repeat.turns.append(self._turn())
        return repeat

    def _turn(self) -> Turn:
        self._beside_load.begin(SLICE_S)
        with self._model.driving():
            load = self._loop.run(SLICE_S)
        load_reference_per_s = self._beside_load.end(load.wall_s)
        self._beside_latency.begin(LATENCY_SLICE_S)
        with pinned(self._cores):
            latencies_ms = time_runs(self._call, LATENCY_SLICE_S)
        return Turn(load, load_reference_per_s, latencies_ms, self._beside_latency.end(sum(latencies_ms) / 1e3))


class Beside:
    """The rate of a reference beside something: the mean of its rates before and after it."""

    def __init__(self, reference: Reference) -> None:
        self._reference, self._before_per_s = reference, 0.0

    def begin(self, expected_s: float) -> None:
        """Reads the reference before something that takes about `expected_s`."""
        self._before_per_s = self._reference.rate_per_s(expected_s)

    def end(self, seconds: float) -> float:
        """Reads the reference after it, and gives the mean rate."""
        return (self._before_per_s + self._reference.rate_per_s(seconds)) / 2
