"""The most a served model can answer: a closed loop, made denser until the rate stops rising.

A point that did not settle is kept with its verdict; it ends nothing.
"""

from collections.abc import Generator
from dataclasses import dataclass

from profiler.analysis.statistics import FEWEST_BLOCKS
from profiler.common.profile_settings import ThroughputSettings
from profiler.common.target import Resources
from profiler.load_generator.closed_loop import MINIMUM_ANSWERS
from profiler.load_generator.reference import SHARE
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.measure.throughput.verdict import STILL_ROSE
from profiler.records.base import Point
from profiler.records.place import Place
from profiler.records.throughput import MaximalThroughput, ThroughputPoint
from profiler.target.model_under_test import ModelUnderTest

GAIN_WORTH_MORE = 1.03
SEARCH_SLICES = 2
# Loading, warming up and the drained slices' ends.
OVERHEAD_S = 1.0


@dataclass(frozen=True)
class Saturation:
    """The concurrency at which a batch answered most, and whether the rate had stopped rising there."""

    batch: int
    concurrency: int
    images_per_s: float
    saturated: bool


def measurements(model: ModelUnderTest, settings: ThroughputSettings, ledger: Ledger) -> Measurements:
    """The sweep over concurrency of every batch, and the maximum, measured again where it was found."""
    resources = model.own
    found: list[Saturation] = []
    for batch in settings.batches:
        saturation = yield from saturate(model, resources, batch, settings.max_concurrency, settings.search_seconds)
        if saturation is not None:
            found.append(saturation)
    found.sort(key=lambda saturation: -saturation.images_per_s)
    for saturation in found if settings.settle_every_batch else found[:1]:
        outdate(ledger, Place(model.runtime, resources, saturation.batch), saturation)
        yield settle(model, resources, saturation, settings.settle_seconds)


def outdate(ledger: Ledger, place: Place, saturation: Saturation) -> None:
    """A maximum that an earlier run settled is measured again where this sweep went further than that one."""
    point = ledger.at(MaximalThroughput, place)
    if point is not None:
        further = saturation.saturated and point.verdict_reason == STILL_ROSE
        if further or point.concurrency != saturation.concurrency:
            ledger.outdate(point)


def saturate(
    model: ModelUnderTest, resources: Resources, batch: int, max_concurrency: int, seconds: float
) -> Generator[Measurement, Point | None, Saturation | None]:
    """Doubles the concurrency until that gains nothing; `None` where nothing could be measured."""
    best: ThroughputPoint | None = None
    concurrency = 1
    while concurrency <= max_concurrency:
        point = yield sweep(model, resources, batch, concurrency, seconds)
        if not isinstance(point, ThroughputPoint):
            break
        if best is not None and point.corrected_images_per_s <= best.corrected_images_per_s * GAIN_WORTH_MORE:
            best = max(best, point, key=lambda one: one.corrected_images_per_s)
            return Saturation(batch, best.concurrency, best.corrected_images_per_s, saturated=True)
        best, concurrency = point, concurrency * 2
    if best is None:
        return None
    return Saturation(batch, best.concurrency, best.corrected_images_per_s, saturated=False)


def sweep(model: ModelUnderTest, resources: Resources, batch: int, concurrency: int, seconds: float) -> Measurement:
    """A short point of the sweep."""
    place = Place(model.runtime, resources, batch, concurrency)

    def measure() -> list[Point]:
        meter = ThroughputMeter(model, resources)
        return meter.point(meter.run(batch, concurrency, seconds, SEARCH_SLICES))

    return Measurement(ThroughputPoint, place, OVERHEAD_S + seconds, measure)


def settle(model: ModelUnderTest, resources: Resources, saturation: Saturation, seconds: float) -> Measurement:
    """The maximum of a batch size: a longer point at the concurrency that was found."""

    def measure() -> list[Point]:
        meter = ThroughputMeter(model, resources)
        run = meter.run(saturation.batch, saturation.concurrency, seconds)
        return meter.maximum(run, saturation.saturated)

    slice_s = MINIMUM_ANSWERS * saturation.batch / saturation.images_per_s * (1 + SHARE)
    place = Place(model.runtime, resources, saturation.batch)
    expected_s = OVERHEAD_S + max(seconds, FEWEST_BLOCKS * slice_s)
    return Measurement(MaximalThroughput, place, expected_s, measure)
