"""The slices of one point of throughput, and the rate that they show."""

from dataclasses import dataclass, field

import numpy as np

from profiler.analysis.statistics import RatioInterval, ratio_interval
from profiler.load_generator.closed_loop import LoadSlice
from profiler.records.base import Noise, ReferenceKind
from profiler.system.energy import EnergyMeter
from profiler.system.noise import NoiseMeter

# How far the drift of a model wanders off that of the reference from one stretch of ten seconds to the next, relative:
# more than the slices of one stretch show. Taken from the repeats of scripts/benchmark_profiler.py.
UNFOLLOWED_SD = 0.01


@dataclass
class Run:
    """The slices of one point, each with the reference's rate around it, and what the serving processes used."""

    batch: int
    concurrency: int
    energy: EnergyMeter
    slices: list[LoadSlice] = field(default_factory=list)
    references_per_s: list[float] = field(default_factory=list)
    server_answers: int | None = None
    server_cpu_s: float | None = None
    noise: NoiseMeter = field(default_factory=NoiseMeter)

    @property
    def answers(self) -> int:
        """Inputs answered in all slices."""
        return sum(one.requests for one in self.slices) * self.batch

    def rate(self, reference_per_s: float | None = None) -> RatioInterval:
        """Images a second over all slices; with a reference, as if that had run at this rate beside each."""
        counted = [one.counted * self.batch for one in self.slices]
        seconds = [one.seconds for one in self.slices]
        if reference_per_s is not None:
            # A slice of a slow moment counts as less time than the clock says.
            seconds = [s * p / reference_per_s for s, p in zip(seconds, self.references_per_s, strict=True)]
        return ratio_interval(counted, seconds, 0.0 if reference_per_s is None else UNFOLLOWED_SD)

    def noise_beside(self, kind: ReferenceKind) -> Noise:
        """What else the machine did, with the median rate of this kind of reference."""
        return self.noise.read(float(np.median(self.references_per_s)), kind)
