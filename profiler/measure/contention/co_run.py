"""A closed loop on one model and a paced load on another, for short stretches between slices of the probe.

The built-in loop whatever the target names: perf_analyzer cannot run for so short a time.
"""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from profiler.load_generator.closed_loop import SLICE_S, ClosedLoop, LoadSlice
from profiler.load_generator.paced_loop import PacedLoop
from profiler.system.processes import cpu_seconds
from profiler.target.model_under_test import Subject

ALONE = 0.0
# The paced load is under way when the slice begins.
LEAD_S = 0.05


@dataclass(frozen=True)
class Stretch:
    """One slice of the closed loop; the paced load's rates are over the same time, the probe's is around it."""

    load: LoadSlice
    probe_per_s: float
    cores_used: float | None
    offered_per_s: float
    answered_per_s: float


class CoRun:
    """`other` is offered a share of `other_per_probe`, what it reaches alone for each run of the probe.

    So the share stays the same when the machine becomes slower.
    """

    def __init__(self, subject: Subject, loop: ClosedLoop, other: PacedLoop, other_per_probe: float) -> None:
        self._subject, self._loop, self._other, self._other_per_probe = subject, loop, other, other_per_probe
        self._loop.warm_up()
        self._yardstick = subject.yardstick()
        self._probe_per_s = self._yardstick.rate_per_s(SLICE_S)

    def stretch(self, share: float) -> Stretch:
        """A slice beside `share` of the other's maximum, `ALONE` for none; both loads are over when it returns."""
        offered_per_s = share * self._other_per_probe * self._probe_per_s
        with self._background(offered_per_s) as answered:
            time.sleep(LEAD_S)
            start, used_s = time.perf_counter(), self._cpu_s()
            load = self._loop.run(SLICE_S)
            used_s, seconds = self._cpu_s() - used_s, time.perf_counter() - start
            in_time = sum(moment >= start for moment in answered)
        before = self._probe_per_s
        self._probe_per_s = self._yardstick.rate_per_s(load.wall_s)
        seen = self._subject.bench.host.process is not None
        return Stretch(
            load,
            (before + self._probe_per_s) / 2,
            used_s / seconds if seen else None,
            offered_per_s,
            in_time / seconds,
        )

    def _background(self, per_s: float) -> AbstractContextManager[list[float]]:
        return self._other.running(per_s) if per_s else nullcontext([])

    def _cpu_s(self) -> float:
        process = self._subject.bench.host.process
        return 0.0 if process is None else cpu_seconds(process)
