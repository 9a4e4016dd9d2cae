"""A closed loop on one model and a paced load on another, for short stretches between slices of the reference.

The built-in loop whatever the target names: perf_analyzer cannot run for so short a time.
"""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from profiler.load_generator.closed_loop import SLICE_S, ClosedLoop, LoadSlice
from profiler.load_generator.single_requests import PacedLoop
from profiler.target.model_under_test import ModelUnderTest

ALONE = 0.0
# The paced load is under way when the slice begins.
LEAD_S = 0.05


@dataclass(frozen=True)
class Stretch:
    """One slice of the closed loop; the paced load's rates are over the same time, the reference's is around it."""

    load: LoadSlice
    reference_per_s: float
    cores_used: float | None
    offered_per_s: float
    answered_per_s: float


class CoRun:
    """`other` is offered a share of `other_per_reference`, what it reaches alone for each run of the reference.

    So the share stays the same when the machine becomes slower.
    """

    def __init__(self, model: ModelUnderTest, loop: ClosedLoop, other: PacedLoop, other_per_reference: float) -> None:
        self._model, self._loop, self._other, self._other_per_reference = model, loop, other, other_per_reference
        self._loop.warm_up()
        self._reference = model.reference()
        self._reference_per_s = self._reference.rate_per_s(SLICE_S)

    def stretch(self, share: float) -> Stretch:
        """A slice beside `share` of the other's maximum, `ALONE` for none; both loads are over when it returns."""
        offered_per_s = share * self._other_per_reference * self._reference_per_s
        with self._background(offered_per_s) as answered:
            time.sleep(LEAD_S)
            start, start_cpu_s = time.perf_counter(), self._model.cpu_seconds()
            load = self._loop.run(SLICE_S)
            used_s, seconds = self._model.cpu_seconds_since(start_cpu_s), time.perf_counter() - start
            in_time = sum(moment >= start for moment in answered)
        before = self._reference_per_s
        self._reference_per_s = self._reference.rate_per_s(load.wall_s)
        return Stretch(
            load,
            (before + self._reference_per_s) / 2,
            None if used_s is None else used_s / seconds,
            offered_per_s,
            in_time / seconds,
        )

    def _background(self, per_s: float) -> AbstractContextManager[list[float]]:
        return self._other.running(per_s) if per_s else nullcontext([])
