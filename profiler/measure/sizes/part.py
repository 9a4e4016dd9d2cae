"""Throughput and memory over the sizes of an input and the batches, where a file leaves the size open.

The part latency has the latencies over the same sizes.
"""

from functools import partial

from profiler.common.profile_settings import SizeSettings
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.measure.memory.batch_trial import attempt
from profiler.measure.memory.part import CHILD_ANSWERS, CHILD_LIMIT_S, START_S, child_work
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.measure.throughput.part import OVERHEAD_S, SEARCH_SLICES, slices_s
from profiler.measure.throughput.point import rates
from profiler.records.base import MissingValues
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place
from profiler.records.throughput import MaximalThroughput, SizePoint
from profiler.target.model_under_test import ModelUnderTest

NO_PEAK = "the system does not let a process start its peak again"


def measurements(model: ModelUnderTest, settings: SizeSettings, ledger: Ledger) -> Measurements:
    """One point for each size and batch; none where the file has one size."""
    for shape in model.shapes if len(model.shapes) > 1 else ():
        for batch in settings.batches:
            place = Place(model.runtime, model.own, batch, callers(ledger, model, batch), shape)
            expected_s = START_S + OVERHEAD_S + answers_s(ledger, place, settings.seconds)
            measure = partial(measure_size, model, place, settings.seconds)
            yield Measurement(SizePoint, Place(model.runtime, model.own, batch, input_shape=shape), expected_s, measure)


def callers(ledger: Ledger, model: ModelUnderTest, batch: int) -> int:
    """The callers at the maximum of this batch with the first size, else of any batch, else one for each instance."""
    maximum = ledger.at(MaximalThroughput, Place(model.runtime, model.own, batch)) or ledger.own_maximum(model.own)
    return maximum.concurrency if maximum else model.own.instances


def answers_s(ledger: Ledger, place: Place, seconds: float) -> float:
    """The expected time of the load and of the answers of the child, from the latency of this size."""
    found = [one for one in ledger.of(LatencyPoint) if one.input_shape == place.input_shape]
    if not found:
        return seconds
    point = max(found, key=lambda one: one.batch)
    images_per_s = 1e3 * point.batch / point.mean_ms
    answered = place.batch * (1 + CHILD_ANSWERS) / images_per_s
    return max(seconds, slices_s(SEARCH_SLICES, place.batch, images_per_s)) + answered


def measure_size(model: ModelUnderTest, place: Place, seconds: float) -> list[SizePoint]:
    """The point of one size and batch, with the callers of the place."""
    sized = model.at_size(place.input_shape, place.batch)
    meter = ThroughputMeter(sized, sized.own)
    run = meter.run(place.batch, place.concurrency, seconds, SEARCH_SLICES)
    model.thrown_s = sized.thrown_s
    meter.keep(run, f"size_{'x'.join(map(str, place.input_shape))}")
    found = attempt(child_work(sized), place.batch, None, CHILD_LIMIT_S)
    peak_bytes = found.report.answer_peak_bytes if found.report else None
    missing = MissingValues()
    missing.note("peak_bytes", peak_bytes, found.reason or NO_PEAK)
    point = SizePoint(
        **rates(sized, sized.own, run, True, missing),
        input_shape=place.input_shape,
        peak_bytes=peak_bytes,
        reasons=missing.reasons,
    )
    return [point]
