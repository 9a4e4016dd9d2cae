"""How long one full batch takes in a warm session, and how long the very first one does."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort

from profiler.analysis.statistics import median_interval, percentile, too_few
from profiler.errors import DnnPortingError
from profiler.records.latency import LatencyPoint
from profiler.records.warm_up import FirstInference
from profiler.runtimes.session import input_tensor, open_session, pinned, sample_input
from profiler.system.machine import NoiseMeter
from profiler.target import Target

MINIMUM_SAMPLES = 10
WARM_RUNS = 3


def time_runs(session: ort.InferenceSession, images: np.ndarray, seconds: float) -> list[float]:
    """Milliseconds of each run until `seconds` have passed, at least `MINIMUM_SAMPLES` of them."""
    feed = {session.get_inputs()[0].name: images}
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while len(samples) < MINIMUM_SAMPLES or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, feed)
        samples.append((time.perf_counter() - start) * 1e3)
    return samples


def measure_latency(
    path: Path, target: Target, cores: list[int], batches: list[int], seconds_per_batch: float
) -> Iterator[tuple[FirstInference, LatencyPoint, list[float]]]:
    """For each batch: a fresh session, its first inference, and the warm latencies with their raw samples (ms)."""
    for batch in batches:
        with pinned(cores):
            session = open_session(path, target.threads)
            images = sample_input(input_tensor(session), batch)
            first_ms = time_first(session, images)
            time_warm_up(session, images)
            meter = NoiseMeter()
            samples = time_runs(session, images, seconds_per_batch)
        point = summarise(samples, batch, target, meter)
        first = FirstInference(runtime="onnxruntime", batch=batch, first_ms=first_ms, warm_ms=float(np.median(samples)))
        yield first, point, samples


def time_first(session: ort.InferenceSession, images: np.ndarray) -> float:
    """Milliseconds of the session's first run."""
    start = time.perf_counter()
    (answer,) = session.run(None, {session.get_inputs()[0].name: images})
    elapsed_ms = (time.perf_counter() - start) * 1e3
    if not np.isfinite(answer).all():
        raise DnnPortingError("the network answers NaN or infinite values to standard normal input: train it again")
    return elapsed_ms


def time_warm_up(session: ort.InferenceSession, images: np.ndarray) -> None:
    for _ in range(WARM_RUNS):
        session.run(None, {session.get_inputs()[0].name: images})


def summarise(samples: list[float], batch: int, target: Target, meter: NoiseMeter) -> LatencyPoint:
    """The point with every figure that its samples can bear, and why the others are missing."""
    n = len(samples)
    middle = median_interval(samples)
    percentiles = {f"p{q:.0f}_ms": (percentile(samples, q / 100), too_few(q / 100, n)) for q in (50, 90, 95, 99)}
    return LatencyPoint(
        runtime="onnxruntime",
        batch=batch,
        cores=target.cores,
        threads=target.threads,
        n=n,
        mean_ms=float(np.mean(samples)),
        sd_ms=float(np.std(samples, ddof=1)),
        p50_low_ms=middle.low,
        p50_high_ms=middle.high,
        noise=meter.read(probe_per_s=None),
        reasons={name: reason for name, (value, reason) in percentiles.items() if value is None},
        **{name: value for name, (value, _) in percentiles.items()},
    )
