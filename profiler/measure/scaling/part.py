"""What other numbers of cores and instances make of a served model: latency and maximal throughput.

Speeds of different moments are compared with the machine's drift divided out, or half of what they show is drift.
"""

from collections.abc import Iterator

from profiler.common.profile_settings import ScalingSettings
from profiler.common.resources import Resources
from profiler.measure.latency.part import at as latency_at
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Task, Tasks
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.measure.throughput.part import OVERHEAD_S, SEARCH_SLICES, at, saturate, settle
from profiler.records.base import Point
from profiler.records.latency import LatencyPoint
from profiler.records.throughput import MaximalThroughput
from profiler.target.model_under_test import Subject

MAX_CONCURRENCY = 8
SEARCH_SECONDS = 0.4


def tasks(subject: Subject, settings: ScalingSettings, ledger: Ledger) -> Tasks:
    """For all resources and batches the latency of one request at a time, then the maximum where none is known.

    perf_analyzer tells no latency of a single request, so with it there are maxima only.
    """
    for resources in offered(subject, settings):
        for batch in sorted(settings.batches):
            if subject.bench.target.load_generator == "built-in":
                yield alone(subject, resources, batch, settings.latency_seconds)
            if any(point.at() == at(subject, resources, batch) for point in ledger.of(MaximalThroughput)):
                continue
            saturation = yield from saturate(subject, resources, batch, MAX_CONCURRENCY, SEARCH_SECONDS)
            if saturation is not None:
                yield settle(subject, resources, saturation, settings.settle_seconds)


def alone(subject: Subject, resources: Resources, batch: int, seconds: float) -> Task:
    """The latency of a closed loop of one; its throughput falls off, where the search for the maximum begins."""
    place = latency_at(subject.bench.host.runtime, batch, resources, 1, subject.shapes[0])

    def measure() -> list[Point]:
        meter = ThroughputMeter(subject, resources)
        return sorted(
            meter.point(meter.run(batch, 1, seconds, SEARCH_SLICES)), key=lambda one: not isinstance(one, LatencyPoint)
        )

    return Task(LatencyPoint, place, OVERHEAD_S + seconds, measure)


def offered(subject: Subject, settings: ScalingSettings) -> Iterator[Resources]:
    """What can be had, the target's own number of instances first; instances share the cores out to their threads."""
    own = subject.bench.target.resources
    for instances in sorted(settings.instances, key=lambda count: (count != own.instances, count)):
        for cores in sorted(settings.cores):
            given = (cores, instances) == (own.cores, own.instances)
            threads = own.threads if given else max(1, int(cores // instances))
            if can_be_had(subject, Resources(cores, threads, instances)):
                yield Resources(cores, threads, instances)


def can_be_had(subject: Subject, wanted: Resources) -> bool:
    """Whether the server takes these resources, and keeps to them."""
    target, host = subject.bench.target, subject.bench.host
    if target.model is not None:
        return wanted == target.resources
    if host.address is None and "openvino" in target.providers and wanted.cores != target.cores:
        # It counts the cores once in a process, and starts no more threads than it found.
        return False
    if host.address is None:
        # A part of a core would be shared with the load generator, and nothing here has instances.
        return wanted.instances == target.instances and wanted.cores % 1 == 0 and subject.available(wanted)
    if host.process is None:
        return wanted.cores == target.cores
    return subject.available(wanted)
