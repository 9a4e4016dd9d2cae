"""The most a served model can answer: a closed loop, made denser until the rate stops rising.

A point that did not settle is kept with its verdict; it ends nothing.
"""

from collections.abc import Generator
from dataclasses import dataclass

from profiler.analysis.statistics import FEWEST_BLOCKS
from profiler.common.profile_settings import ThroughputSettings
from profiler.common.resources import Resources
from profiler.load_generator import reference as probe
from profiler.load_generator.closed_loop import MINIMUM_ANSWERS
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Task, Tasks
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.measure.throughput.verdict import STILL_ROSE
from profiler.records.base import Point
from profiler.records.throughput import MaximalThroughput, ThroughputPoint
from profiler.target.model_under_test import Subject

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


def tasks(subject: Subject, settings: ThroughputSettings, ledger: Ledger) -> Tasks:
    """The sweep over concurrency of every batch, and the maximum, measured again where it was found."""
    resources = subject.bench.target.resources
    found: list[Saturation] = []
    for batch in settings.batches:
        saturation = yield from saturate(subject, resources, batch, settings.max_concurrency, settings.search_seconds)
        if saturation is not None:
            found.append(saturation)
    found.sort(key=lambda saturation: -saturation.images_per_s)
    for saturation in found if settings.settle_every_batch else found[:1]:
        outdate(ledger, at(subject, resources, saturation.batch), saturation)
        yield settle(subject, resources, saturation, settings.settle_seconds)


def outdate(ledger: Ledger, place: dict[str, object], saturation: Saturation) -> None:
    """A maximum that an earlier run settled is measured again where this sweep went further than that one."""
    for point in ledger.of(MaximalThroughput):
        further = saturation.saturated and point.verdict_reason == STILL_ROSE
        if point.at() == place and (further or point.concurrency != saturation.concurrency):
            ledger.outdate(point)


def saturate(
    subject: Subject, resources: Resources, batch: int, max_concurrency: int, seconds: float
) -> Generator[Task, Point | None, Saturation | None]:
    """Doubles the concurrency until that gains nothing; `None` where nothing could be measured."""
    best: ThroughputPoint | None = None
    concurrency = 1
    while concurrency <= max_concurrency:
        point = yield sweep(subject, resources, batch, concurrency, seconds)
        if not isinstance(point, ThroughputPoint):
            break
        if best is not None and point.corrected_images_per_s <= best.corrected_images_per_s * GAIN_WORTH_MORE:
            best = max(best, point, key=lambda one: one.corrected_images_per_s)
            return Saturation(batch, best.concurrency, best.corrected_images_per_s, saturated=True)
        best, concurrency = point, concurrency * 2
    if best is None:
        return None
    return Saturation(batch, best.concurrency, best.corrected_images_per_s, saturated=False)


def sweep(subject: Subject, resources: Resources, batch: int, concurrency: int, seconds: float) -> Task:
    """A short point of the sweep."""
    place = {**at(subject, resources, batch), "concurrency": concurrency}

    def measure() -> list[Point]:
        meter = ThroughputMeter(subject, resources)
        return meter.point(meter.run(batch, concurrency, seconds, SEARCH_SLICES))

    return Task(ThroughputPoint, place, OVERHEAD_S + seconds, measure)


def settle(subject: Subject, resources: Resources, saturation: Saturation, seconds: float) -> Task:
    """The maximum of a batch size: a longer point at the concurrency that was found."""

    def measure() -> list[Point]:
        meter = ThroughputMeter(subject, resources)
        run = meter.run(saturation.batch, saturation.concurrency, seconds)
        return meter.maximum(run, saturation.saturated)

    slice_s = MINIMUM_ANSWERS * saturation.batch / saturation.images_per_s * (1 + probe.SHARE)
    expected_s = OVERHEAD_S + max(seconds, FEWEST_BLOCKS * slice_s)
    return Task(MaximalThroughput, at(subject, resources, saturation.batch), expected_s, measure)


def at(subject: Subject, resources: Resources, batch: int) -> dict[str, object]:
    """Where a throughput is measured."""
    return {
        "runtime": subject.bench.host.runtime,
        "batch": batch,
        "cores": resources.cores,
        "threads": resources.threads,
        "instances": resources.instances,
    }
