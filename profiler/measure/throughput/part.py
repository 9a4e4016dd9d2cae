"""The most a served model can answer: a closed loop, made denser until the rate stops rising.

A point that did not settle is kept with its verdict; it ends nothing.
"""

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from profiler.analysis.statistics import FEWEST_BLOCKS
from profiler.common.profile_settings import ThroughputSettings
from profiler.common.target import Resources
from profiler.load_generator.closed_loop import MINIMUM_ANSWERS
from profiler.load_generator.reference import SHARE
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements, Shorter
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.records.base import Point
from profiler.records.place import Place
from profiler.records.throughput import MaximalThroughput, ThroughputPoint
from profiler.target.model_under_test import ModelUnderTest

GAIN_WORTH_MORE = 1.03
PLATEAU_STEPS = 2
USUAL_HALF_WIDTH = 0.03
SEARCH_SLICES = 2
# Loading, warming up and the drained slices' ends.
OVERHEAD_S = 1.0


@dataclass(frozen=True)
class Saturation:
    """The concurrency at which a batch answered most, and whether the rate had stopped rising there.

    `others_relative` is the highest relative throughput at another concurrency, 0 where none was measured.
    """

    batch: int
    concurrency: int
    images_per_s: float
    relative: float
    saturated: bool
    others_relative: float = 0.0


def measurements(model: ModelUnderTest, settings: ThroughputSettings, ledger: Ledger) -> Measurements:
    """For every batch the sweep over concurrency, and the maximum, measured again where it was found."""
    resources = model.own
    for batch in settings.batches:
        first = batch == settings.batches[0]
        saturation = yield from saturate(
            model, resources, batch, settings.max_concurrency, settings.search_seconds, needed=first
        )
        if saturation is not None:
            outdate(ledger, Place(model.runtime, resources, batch), saturation)
            yield settle(model, resources, saturation, settings.settle_seconds, needed=first)


def outdate(ledger: Ledger, place: Place, saturation: Saturation) -> None:
    """A maximum that an earlier run settled is measured again where this sweep went further than that one."""
    point = ledger.at(MaximalThroughput, place)
    if point is not None:
        further = saturation.saturated and not point.saturated
        if further or point.concurrency != saturation.concurrency:
            ledger.outdate(point)


def saturate(
    model: ModelUnderTest,
    resources: Resources,
    batch: int,
    max_concurrency: int,
    seconds: float,
    needed: bool = False,
) -> Generator[Measurement, Point | None, Saturation | None]:
    """Doubles the concurrency until two steps in a row gain nothing; `None` where nothing could be measured.

    One step alone would end the search where its point was slow by chance, so a second one may lie beyond
    `max_concurrency`. A gain has to be larger than the noise of both points. Where `needed`, the first point is
    measured whatever the budget is.
    """
    best: ThroughputPoint | None = None
    points: dict[int, ThroughputPoint] = {}
    concurrency, plateau = 1, 0
    while plateau == 1 or (concurrency <= max_concurrency and plateau < PLATEAU_STEPS):
        known_per_s = None if best is None else best.images_per_s
        point = yield sweep(model, resources, batch, concurrency, seconds, known_per_s, needed and best is None)
        if not isinstance(point, ThroughputPoint):
            break
        points[concurrency] = point
        if best is None or gains(point, best):
            best, plateau = point, 0
        else:
            plateau += 1
        concurrency *= 2
    if best is None:
        return None
    best = best if model.in_process else busiest(points, best)
    others = max((one.relative_throughput for one in points.values() if one is not best), default=0.0)
    saturated = plateau == PLATEAU_STEPS
    return Saturation(batch, best.concurrency, best.images_per_s, best.relative_throughput, saturated, others)


def busiest(points: Mapping[int, ThroughputPoint], best: ThroughputPoint) -> ThroughputPoint:
    """The point at which the maximum of a server is settled: two requests under way where they are as fast as one.

    With one request under way the server waits for its client between two answers, so that the rate would depend on
    the client.
    """
    second = points.get(2, best)
    as_fast = second.relative_throughput * (1 + noise(second, best)) >= best.relative_throughput
    return second if as_fast else best


def gains(point: ThroughputPoint, best: ThroughputPoint) -> bool:
    """Whether a point is above the best one by more than what is worth a higher concurrency, or their noise."""
    return point.relative_throughput > best.relative_throughput * max(GAIN_WORTH_MORE, 1 + noise(point, best))


def noise(one: ThroughputPoint, other: ThroughputPoint) -> float:
    """The relative 95 % half-width of the ratio of two points."""
    return math.hypot(half_width(one), half_width(other))


def half_width(point: ThroughputPoint) -> float:
    """Half of the relative 95 % interval of a point, or the usual one where its slices are too few for an interval."""
    low, high = point.low_relative_throughput, point.high_relative_throughput
    return USUAL_HALF_WIDTH if low is None or high is None else (high - low) / 2 / point.relative_throughput


def sweep(
    model: ModelUnderTest,
    resources: Resources,
    batch: int,
    concurrency: int,
    seconds: float,
    known_per_s: float | None = None,
    needed: bool = False,
) -> Measurement:
    """A short point of the sweep; `known_per_s` images at another concurrency tell how long a slow model takes."""
    place = Place(model.runtime, resources, batch, concurrency)

    def measure() -> list[Point]:
        meter = ThroughputMeter(model, resources)
        return meter.point(meter.run(batch, concurrency, seconds, SEARCH_SLICES))

    per_s = known_per_s or model.expected_per_s(resources)
    expected_s = OVERHEAD_S + max(seconds, slices_s(SEARCH_SLICES, batch, per_s))
    return Measurement(ThroughputPoint, place, expected_s, measure, needed=needed)


def settle(
    model: ModelUnderTest, resources: Resources, saturation: Saturation, seconds: float, needed: bool = False
) -> Measurement:
    """The maximum of a batch size: a longer point at the concurrency that was found.

    Where the budget has no time for that, it is a short point, which has no interval.
    """

    def measure(slices: int = FEWEST_BLOCKS, seconds: float = seconds) -> list[Point]:
        meter = ThroughputMeter(model, resources)
        run = meter.run(saturation.batch, saturation.concurrency, seconds, slices)
        return meter.maximum(run, saturation.saturated, saturation.others_relative)

    batch, per_s = saturation.batch, saturation.images_per_s
    place = Place(model.runtime, resources, batch)
    expected_s = OVERHEAD_S + max(seconds, slices_s(FEWEST_BLOCKS, batch, per_s))
    least_s = OVERHEAD_S + slices_s(SEARCH_SLICES, batch, per_s)
    shorter = Shorter(least_s, lambda: measure(SEARCH_SLICES, 0.0))
    return Measurement(MaximalThroughput, place, expected_s, measure, shorter, needed)


def slices_s(slices: int, batch: int, images_per_s: float) -> float:
    """The time of the warm-up and so many slices with the fewest answers of a slow model, and of the reference."""
    return (1 + slices) * MINIMUM_ANSWERS * batch / images_per_s * (1 + SHARE)
