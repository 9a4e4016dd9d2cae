"""What other numbers of cores and instances make of a served model: latency and maximal throughput.

Speeds of different moments are compared with the machine's drift divided out, or half of what they show is drift.
"""

from collections.abc import Iterator

from profiler.common.profile_settings import ScalingSettings
from profiler.common.target import Resources
from profiler.measure.available_resources import can_be_had
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.measure.throughput.part import OVERHEAD_S, SEARCH_SLICES, saturate, settle
from profiler.records.base import Point
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place
from profiler.records.throughput import MaximalThroughput
from profiler.target.model_under_test import ModelUnderTest

MAX_CONCURRENCY = 8
SEARCH_SECONDS = 0.4


def measurements(model: ModelUnderTest, settings: ScalingSettings, ledger: Ledger) -> Measurements:
    """For all resources and batches the latency of one request at a time, then the maximum where none is known.

    perf_analyzer tells no latency of a single request, so with it there are maxima only.
    """
    for resources in offered(model, settings):
        for batch in sorted(settings.batches):
            if model.target.load_generator == "built-in":
                yield alone(model, resources, batch, settings.latency_seconds)
            if ledger.at(MaximalThroughput, Place(model.runtime, resources, batch)) is not None:
                continue
            saturation = yield from saturate(model, resources, batch, MAX_CONCURRENCY, SEARCH_SECONDS)
            if saturation is not None:
                yield settle(model, resources, saturation, settings.settle_seconds)


def alone(model: ModelUnderTest, resources: Resources, batch: int, seconds: float) -> Measurement:
    """The latency of a closed loop of one; its throughput falls off, where the search for the maximum begins."""
    place = Place(model.runtime, resources, batch, concurrency=1, input_shape=model.shapes[0])

    def measure() -> list[Point]:
        meter = ThroughputMeter(model, resources)
        return sorted(
            meter.point(meter.run(batch, 1, seconds, SEARCH_SLICES)), key=lambda one: not isinstance(one, LatencyPoint)
        )

    return Measurement(LatencyPoint, place, OVERHEAD_S + seconds, measure)


def offered(model: ModelUnderTest, settings: ScalingSettings) -> Iterator[Resources]:
    """What can be had, the target's own number of instances first; instances share the cores out to their threads."""
    own = model.own
    for instances in sorted(settings.instances, key=lambda count: (count != own.instances, count)):
        for cores in sorted(settings.cores):
            given = (cores, instances) == (own.cores, own.instances)
            threads = own.threads if given else max(1, int(cores // instances))
            if can_be_had(model, Resources(cores, threads, instances)):
                yield Resources(cores, threads, instances)
