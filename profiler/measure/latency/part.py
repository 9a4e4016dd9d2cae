"""How long one full batch takes in a warm session of the profiler's own process."""

import time
from collections.abc import Sequence

import numpy as np
import onnxruntime as ort

from profiler.common.profile_settings import LatencySettings
from profiler.common.target import Resources
from profiler.measure.latency.point import latency_point
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.session import open_session, run
from profiler.system.machine import pinned
from profiler.target.model_under_test import ModelUnderTest

MINIMUM_SAMPLES = 6
FEWEST_SLICES = 1
WARM_RUNS = 3
SLICE_S = 0.05
RUNTIME = "onnxruntime"


def measurements(model: ModelUnderTest, settings: LatencySettings, _ledger: Ledger) -> Measurements:
    """One point for each input size and batch; what one batch took tells what the next will."""
    alone = Resources(model.own.cores, model.own.threads, instances=1)
    for shape in model.shapes:
        per_image_s = 1 / model.expected_per_s(alone)
        for batch in sorted(settings.batches):
            place = Place(RUNTIME, alone, batch, concurrency=1, input_shape=shape)
            expected_s = max(settings.seconds, (MINIMUM_SAMPLES + WARM_RUNS) * per_image_s * batch)

            def measure(batch: int = batch, shape: tuple[int, ...] = shape) -> Sequence[LatencyPoint]:
                return [measure_batch(model, alone, batch, shape, settings.seconds)]

            point = yield Measurement(LatencyPoint, place, expected_s, measure)
            if isinstance(point, LatencyPoint):
                per_image_s = point.mean_ms / 1e3 / batch


def measure_batch(
    model: ModelUnderTest, resources: Resources, batch: int, shape: tuple[int, ...], seconds: float
) -> LatencyPoint:
    """The latency of (batch, *shape) inputs, one at a time, on the server's cores."""
    reference, slices = model.in_process_reference, list[list[float]]()
    with pinned(model.cores(resources)):
        session = open_session(model.path, resources.threads, model.target.providers)
        feed = {session.get_inputs()[0].name: sample_input(shape, batch)}
        for _ in range(WARM_RUNS):
            run(session, feed)
        before = reference.rate_per_s(0.0)
        watch = model.watch(reference, model.cores(resources), seconds, FEWEST_SLICES)
        while watch.going_on() or sum(map(len, slices)) < MINIMUM_SAMPLES:
            start = time.perf_counter()
            slices.append(time_runs(session, feed, SLICE_S))
            after = reference.rate_per_s(sum(slices[-1]) / 1e3)
            watch.slice((before + after) / 2, time.perf_counter() - start)
            before = after
        seen = watch.end()
        model.thrown_s += seen.thrown_s
    samples = [value for one in seen.counting for value in slices[one]]
    rates_per_s = [watch.references_per_s[one] for one in seen.counting for _ in slices[one]]
    size = "x".join(map(str, shape))
    model.samples[f"latency_{RUNTIME}_{size}_batch_{batch}_ms"] = np.array(samples)
    place = Place(RUNTIME, resources, batch, concurrency=1, input_shape=shape)
    return latency_point(place, samples, rates_per_s, seen.noise, reference.speeds.drift_sd())


def time_runs(session: ort.InferenceSession, feed: dict[str, np.ndarray], seconds: float) -> list[float]:
    """Milliseconds of each run until `seconds` have passed, at least one."""
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while not samples or time.perf_counter() < end:
        start = time.perf_counter()
        run(session, feed)
        samples.append((time.perf_counter() - start) * 1e3)
    return samples
