"""Throughput and latency in the same moments: slices of load, of single inferences, and of the probe in turn.

The built-in loop whatever the target names: perf_analyzer cannot run for so short a time.
"""

import time
from dataclasses import dataclass, field

import numpy as np

from profiler.load_generator.closed_loop import SLICE_S, ClosedLoop, LoadSlice
from profiler.load_generator.probe import SLICE_S as PROBE_SLICE_S
from profiler.measure.latency import WARM_RUNS, time_runs
from profiler.records.throughput import MaximalThroughput
from profiler.runtimes.session import open_session, pinned, sample_input
from profiler.subject import Subject

LATENCY_SLICE_S = 0.1
TURN_S = SLICE_S + LATENCY_SLICE_S + 2 * PROBE_SLICE_S


@dataclass
class Turn:
    """A slice of load and one of single inferences, each with the probe's rate around it."""

    load: LoadSlice
    load_probe_per_s: float
    latencies_ms: list[float]
    latency_probe_per_s: float


@dataclass
class Repeat:
    """The turns of one repeat; what is corrected is as if the probe had run at `reference_per_s` beside everything."""

    reference_per_s: float
    turns: list[Turn] = field(default_factory=list)

    def answers_per_s(self) -> float:
        return self._counted() / sum(one.load.seconds for one in self.turns)

    def corrected_answers_per_s(self) -> float:
        return (
            self._counted() * self.reference_per_s / sum(one.load.seconds * one.load_probe_per_s for one in self.turns)
        )

    def latencies_ms(self) -> list[float]:
        return [value for one in self.turns for value in one.latencies_ms]

    def corrected_latencies_ms(self) -> list[float]:
        return [
            value * one.latency_probe_per_s / self.reference_per_s for one in self.turns for value in one.latencies_ms
        ]

    def probe_per_s(self) -> float:
        return float(np.median([(one.load_probe_per_s + one.latency_probe_per_s) / 2 for one in self.turns]))

    def _counted(self) -> float:
        return sum(one.load.counted for one in self.turns)


class SideBySide:
    """The target's best closed loop, and a session of this process on the server's cores, both warm."""

    def __init__(self, subject: Subject, maximum: MaximalThroughput) -> None:
        self._subject = subject
        target = subject.bench.target
        self._cores = subject.cores(target.resources)
        with subject.driving():
            self._loop = ClosedLoop(subject.serve(), subject.expectation, maximum.batch, maximum.concurrency)
            self._loop.warm_up()
        with pinned(self._cores):
            self._session = open_session(subject.path, target.threads, target.providers)
            self._feed = {self._session.get_inputs()[0].name: sample_input(subject.shapes[0], 1)}
            for _ in range(WARM_RUNS):
                self._session.run(None, self._feed)
        self._probe_per_s = subject.bench.probe.rate_per_s()

    def repeat(self, seconds: float) -> Repeat:
        """Turns for `seconds`, at least one."""
        repeat, end = Repeat(self._subject.reference_per_s), time.perf_counter() + seconds
        while not repeat.turns or time.perf_counter() < end:
            repeat.turns.append(self._turn())
        return repeat

    def _turn(self) -> Turn:
        with self._subject.driving():
            load = self._loop.run(SLICE_S)
        load_probe_per_s = self._around()
        with pinned(self._cores):
            latencies_ms = time_runs(self._session, self._feed, LATENCY_SLICE_S)
        return Turn(load, load_probe_per_s, latencies_ms, self._around())

    def _around(self) -> float:
        """The probe's rate now and the last time, of which the slice between saw the mean."""
        before, self._probe_per_s = self._probe_per_s, self._subject.bench.probe.rate_per_s()
        return (before + self._probe_per_s) / 2
