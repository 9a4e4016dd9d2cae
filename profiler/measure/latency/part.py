"""How long one full batch takes in a warm session of the profiler's own process."""

import time
from collections.abc import Sequence

import numpy as np
import onnxruntime as ort

from profiler.analysis.statistics import median_interval, percentile, too_few
from profiler.common.profile_settings import LatencySettings
from profiler.common.resources import Resources
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Task, Tasks
from profiler.records.latency import LatencyPoint
from profiler.records.noise import Noise
from profiler.runtimes.session import open_session, pinned, run, sample_input
from profiler.system.noise import NoiseMeter
from profiler.target.model_under_test import Subject

MINIMUM_SAMPLES = 6
WARM_RUNS = 3
SLICE_S = 0.05
RUNTIME = "onnxruntime"


def tasks(subject: Subject, settings: LatencySettings, _ledger: Ledger) -> Tasks:
    """One point for each input size and batch; what one batch took tells what the next will."""
    own = subject.bench.target.resources
    alone = Resources(own.cores, own.threads, instances=1)
    for shape in subject.shapes:
        per_image_s = 0.0
        for batch in sorted(settings.batches):
            place = at(RUNTIME, batch, alone, 1, shape)
            expected_s = max(settings.seconds, (MINIMUM_SAMPLES + WARM_RUNS) * per_image_s * batch)

            def measure(batch: int = batch, shape: tuple[int, ...] = shape) -> Sequence[LatencyPoint]:
                return [measure_batch(subject, alone, batch, shape, settings.seconds)]

            point = yield Task(LatencyPoint, place, expected_s, measure)
            if isinstance(point, LatencyPoint):
                per_image_s = point.mean_ms / 1e3 / batch


def at(runtime: str, batch: int, resources: Resources, concurrency: int, shape: tuple[int, ...]) -> dict[str, object]:
    """Where a latency is measured."""
    return {
        "runtime": runtime,
        "batch": batch,
        "cores": resources.cores,
        "threads": resources.threads,
        "instances": resources.instances,
        "concurrency": concurrency,
        "input_shape": shape,
    }


def measure_batch(
    subject: Subject, resources: Resources, batch: int, shape: tuple[int, ...], seconds: float
) -> LatencyPoint:
    """The latency of (batch, *shape) inputs, one at a time, on the server's cores."""
    probe = subject.bench.probe
    with pinned(subject.cores(resources)):
        session = open_session(subject.path, resources.threads, subject.bench.target.providers)
        feed = {session.get_inputs()[0].name: sample_input(shape, batch)}
        for _ in range(WARM_RUNS):
            run(session, feed)
        meter, samples, probes, start = NoiseMeter(), list[float](), list[float](), time.perf_counter()
        before = probe.rate_per_s()
        while len(samples) < MINIMUM_SAMPLES or time.perf_counter() < start + seconds:
            runs = time_runs(session, feed, SLICE_S)
            after = probe.rate_per_s(sum(runs) / 1e3)
            samples += runs
            probes += [(before + after) / 2] * len(runs)
            before = after
    size = "x".join(map(str, shape))
    subject.samples[f"latency_{RUNTIME}_{size}_batch_{batch}_ms"] = np.array(samples)
    noise = meter.read(float(np.median(probes)))
    return summarise(samples, at(RUNTIME, batch, resources, 1, shape), noise, drift(probes, subject.reference_per_s))


def time_runs(session: ort.InferenceSession, feed: dict[str, np.ndarray], seconds: float) -> list[float]:
    """Milliseconds of each run until `seconds` have passed, at least one."""
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while not samples or time.perf_counter() < end:
        start = time.perf_counter()
        run(session, feed)
        samples.append((time.perf_counter() - start) * 1e3)
    return samples


def drift(probes_per_s: Sequence[float], reference_per_s: float) -> list[float]:
    """How fast the machine was beside each sample, 1 being its normal speed."""
    return [probe / reference_per_s for probe in probes_per_s]


def summarise(
    samples: Sequence[float], place: dict[str, object], noise: Noise, speeds: Sequence[float]
) -> LatencyPoint:
    """The point with every figure that its samples (ms) can bear, and why the others are missing.

    `speeds` is the machine's beside each sample: what took long on a slow machine counts for less.
    """
    n = len(samples)
    raw = median_interval(samples)
    corrected = median_interval([value * speed for value, speed in zip(samples, speeds, strict=True)])
    figures = {f"p{q:.0f}_ms": (percentile(samples, q / 100), too_few(q / 100, n)) for q in (50, 90, 95, 99)}
    for prefix, middle in (("", raw), ("corrected_", corrected)):
        figures[f"{prefix}p50_low_ms"] = (middle.low, f"{n} samples bound no median")
        figures[f"{prefix}p50_high_ms"] = (middle.high, f"{n} samples bound no median")
    figures["corrected_p50_ms"] = (corrected.median, "")
    figures["sd_ms"] = (float(np.std(samples, ddof=1)) if n > 1 else None, "one sample has no spread")
    return LatencyPoint.model_validate(
        {
            **place,
            "n": n,
            "mean_ms": float(np.mean(samples)),
            "noise": noise,
            "reasons": {name: reason for name, (value, reason) in figures.items() if value is None},
            **{name: value for name, (value, _) in figures.items()},
        }
    )
