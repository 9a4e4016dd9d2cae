"""How long one full batch takes in a warm model of the profiler's own process."""

import time
from collections.abc import Sequence

import numpy as np

from profiler.common.profile_settings import LatencySettings
from profiler.common.target import Resources
from profiler.measure.latency.point import latency_point
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.own_process import computation
from profiler.runtimes.served import Call
from profiler.system.machine import pinned
from profiler.target.model_under_test import ModelUnderTest

MINIMUM_SAMPLES = 6
FEWEST_SLICES = 1
WARM_RUNS = 3
SLICE_S = 0.05


def measurements(model: ModelUnderTest, settings: LatencySettings, ledger: Ledger) -> Measurements:
    """One point for each input size and batch; the time of a batch gives the expected time of the next one."""
    alone = Resources(model.own.cores, model.own.threads, instances=1)
    for shape in model.shapes:
        per_image_s = 1 / model.expected_per_s(alone)
        for batch in sorted(settings.batches):
            place = Place(model.target.computes_in, alone, batch, concurrency=1, input_shape=shape)
            expected_s = max(
                wanted_s(settings, per_image_s * batch), (MINIMUM_SAMPLES + WARM_RUNS) * per_image_s * batch
            )

            def measure(place: Place = place) -> Sequence[LatencyPoint]:
                return [measure_batch(model, place, settings)]

            outdate(ledger, place, settings)
            point = yield Measurement(LatencyPoint, place, expected_s, measure)
            if isinstance(point, LatencyPoint):
                per_image_s = point.mean_ms / 1e3 / batch


def wanted_s(settings: LatencySettings, inference_s: float) -> float:
    """The time of a point whose inferences take `inference_s` each."""
    return max(settings.seconds, min(settings.longest_seconds, settings.inferences * inference_s))


def outdate(ledger: Ledger, place: Place, settings: LatencySettings) -> bool:
    """Whether the sweep over concurrency has a point at a place with too few inferences, to be measured again."""
    point = ledger.at(LatencyPoint, place)
    if point is None or point.part != "throughput" or point.n >= settings.inferences:
        return False
    ledger.outdate(point)
    return True


def measure_batch(model: ModelUnderTest, place: Place, settings: LatencySettings) -> LatencyPoint:
    """The latency of the inputs of a place, one batch at a time, on the server's cores."""
    reference, slices = model.in_process_reference, list[list[float]]()
    with pinned(model.cores(place.resources)):
        served = computation(model.target, model.path, place.resources.threads)
        call = served.prepare(sample_input(place.input_shape, place.batch))
        inference_s = [time_runs(call, 0.0)[0] / 1e3 for _ in range(WARM_RUNS)][-1]
        end_s = time.perf_counter() + settings.longest_seconds
        before = reference.rate_per_s(0.0)
        watch = model.watch(reference, model.cores(place.resources), wanted_s(settings, inference_s), FEWEST_SLICES)
        while watch.going_on() or lacks_samples(slices, settings, end_s):
            start = time.perf_counter()
            slices.append(time_runs(call, SLICE_S))
            after = reference.rate_per_s(sum(slices[-1]) / 1e3)
            watch.slice((before + after) / 2, time.perf_counter() - start)
            before = after
        seen = watch.end()
        model.thrown_s += seen.thrown_s
    samples = [value for one in seen.counting for value in slices[one]]
    rates_per_s = [watch.references_per_s[one] for one in seen.counting for _ in slices[one]]
    size = "x".join(map(str, place.input_shape))
    model.samples[f"latency_{place.runtime}_{size}_batch_{place.batch}_ms"] = np.array(samples)
    return latency_point(place, samples, rates_per_s, seen.noise, reference.speeds.drift_sd())


def lacks_samples(slices: Sequence[Sequence[float]], settings: LatencySettings, end_s: float) -> bool:
    """Whether a point has too few inferences, and time for more."""
    n = sum(map(len, slices))
    return n < MINIMUM_SAMPLES or (n < settings.inferences and time.perf_counter() < end_s)


def time_runs(call: Call, seconds: float) -> list[float]:
    """Milliseconds of each call until `seconds` have passed, at least one."""
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while not samples or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        samples.append((time.perf_counter() - start) * 1e3)
    return samples
