"""Later visits to a model, in later rounds of a run: its maxima and its latency are measured once more."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from profiler.common.profile_settings import VISIT_OVERHEAD_S, VisitSettings
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.measure.throughput.part import slices_s
from profiler.measure.visits.pooled import pooled, visit_point
from profiler.records.base import Point
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place
from profiler.records.throughput import MaximalThroughput, Visit
from profiler.target.model_under_test import ModelUnderTest

FEWEST_SLICES = 2
SINGLE = 1


@dataclass(frozen=True)
class Visited:
    """A closed loop that is measured in every visit."""

    batch: int
    concurrency: int

    @classmethod
    def of(cls, point: MaximalThroughput) -> Self:
        """The loop of a maximum."""
        return cls(point.batch, point.concurrency)


def measurements(model: ModelUnderTest, settings: VisitSettings, ledger: Ledger) -> Measurements:
    """One point for each visit and each loop; a visit begins with a load of the model."""
    for visit in range(2, settings.visits + 1):
        for number, (loop, per_s) in enumerate(loops(model, ledger).items()):
            outdate(ledger, place_of(model, loop, visit))
            seconds = max(settings.seconds, slices_s(FEWEST_SLICES, loop.batch, per_s))
            yield visiting(model, ledger, loop, visit, settings.seconds, VISIT_OVERHEAD_S + seconds, fresh=number == 0)


def outdate(ledger: Ledger, place: Place) -> None:
    """A visit to an earlier measurement of a maximum is made again, as its slices are not of this one."""
    visit = ledger.at(Visit, place)
    maximum = ledger.at(MaximalThroughput, Place(place.runtime, place.resources, place.batch))
    if visit is not None and maximum is not None and maximum.visits < place.visit:
        ledger.outdate(visit)


def place_of(model: ModelUnderTest, loop: Visited, visit: int) -> Place:
    """The place of a visit to a loop."""
    return replace(Place(model.runtime, model.own, loop.batch, loop.concurrency), visit=visit)


def loops(model: ModelUnderTest, ledger: Ledger) -> dict[Visited, float]:
    """The maxima on the target's own resources, and the single caller whose latency a client sees, with their rates."""
    own = [point for point in ledger.of(MaximalThroughput) if point.resources == model.own]
    found = {Visited.of(point): point.images_per_s for point in own}
    single = ledger.at(LatencyPoint, single_place(model))
    if single is not None:
        found.setdefault(Visited(SINGLE, SINGLE), 1e3 / single.mean_ms)
    return found


def single_place(model: ModelUnderTest) -> Place:
    """The place of the latency that one client of the target sees with batch 1."""
    return Place(model.runtime, model.own, SINGLE, SINGLE, model.shapes[0])


def visiting(
    model: ModelUnderTest, ledger: Ledger, loop: Visited, visit: int, seconds: float, expected_s: float, fresh: bool
) -> Measurement:
    """The point of one loop in one visit, and the figures of all visits so far."""

    def measure() -> Sequence[Point]:
        if fresh:
            model.load(model.own)
        run = ThroughputMeter(model, model.own).run(loop.batch, loop.concurrency, seconds, FEWEST_SLICES)
        point = visit_point(Place(model.runtime, model.own), run, visit)
        return [point, *pooled(model, ledger, point, run.drift_sd_share)]

    return Measurement(Visit, place_of(model, loop, visit), expected_s, measure)
