"""A queue in simulated time: Poisson arrivals, constant service times, first come, first served."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

import numpy as np

from profiler.analysis.capacity_search import growth
from profiler.common.target import Resources
from profiler.load_generator.open_loop import OpenRun
from profiler.load_generator.reference import Reference
from profiler.load_generator.single_requests import poisson
from profiler.load_generator.speeds import Speeds
from profiler.measure.capacity.trial import Measured, summarise
from profiler.measure.capacity.trial_meter import Maximum, TrialMeter
from profiler.target.model_under_test import ModelUnderTest

SERVICE_S = 0.01
MAX_PER_S = 1 / SERVICE_S


def simulate(rate_per_s: float, seconds: float, service_s: float, seed: int, instances: int = 1) -> OpenRun:
    """What a load generator would see of it, itself always on time."""
    scheduled_s = poisson(rate_per_s, seconds, seed)
    free_s, answered_s = [0.0] * instances, np.empty(len(scheduled_s))
    for index, moment in enumerate(scheduled_s):
        first = int(np.argmin(free_s))
        free_s[first] = answered_s[index] = max(moment, free_s[first]) + service_s
    return OpenRun(scheduled_s, scheduled_s, answered_s, float(answered_s[-1]), 0.0)


class Disturbances(TypedDict, total=False):
    """What goes wrong in the trials of a `SimulatedMeter`."""

    spoilt: Sequence[int]
    late_s: float
    lost: int


@dataclass
class SimulatedMeter(TrialMeter):
    """Trials of that queue, beside a reference of 1/s.

    `spoilt` trials are late as a whole, the generator by `late_s`, and `lost` requests are lost.
    """

    spoilt: Sequence[int] = ()
    late_s: float = 0.0
    lost: int = 0
    tried: int = 0

    def run(self, relative_rate: float, seconds: float, seed: int) -> Measured:
        run = simulate(relative_rate, seconds, SERVICE_S, seed)
        self.tried += 1
        late_s = self.late_s + (1.0 if self.tried in self.spoilt else 0.0)
        kept = np.arange(len(run.sent_s)) >= self.lost
        answered_s = np.where(kept, run.answered_s + late_s, np.nan)
        run = replace(run, sent_s=run.sent_s + self.late_s, answered_s=answered_s)
        grown = growth(run, self.resources.instances)
        trial = summarise(run, grown, (relative_rate, relative_rate), self.deadlines_ms)
        return Measured(trial, run, grown, 1000.0, 0.0, len(run.sent_s) * SERVICE_S)


class SimulatedModel(ModelUnderTest):
    """A model that is nowhere, on a machine that never drifts."""

    runtime = "simulated"

    def __init__(self) -> None:
        self.samples = {}

    def reference(self, resources: Resources | None = None) -> Reference:
        return Reference("in process", lambda _: 1000.0, Speeds([1000.0]))


def simulated(deadline_ms: float, **disturbances: Unpack[Disturbances]) -> SimulatedMeter:
    return SimulatedMeter(
        SimulatedModel(), Resources(1.0, 1, 1), [deadline_ms], Maximum(MAX_PER_S, MAX_PER_S), **disturbances
    )
