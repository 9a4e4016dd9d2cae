"""The record of a latency, from the samples of one place."""

from collections.abc import Sequence

import numpy as np

from profiler.analysis.statistics import median_interval, percentile, too_few
from profiler.records.base import MissingValues, Noise
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place


def latency_point(place: Place, samples: Sequence[float], speeds: Sequence[float], noise: Noise) -> LatencyPoint:
    """The point with every figure that its samples (ms) can bear, and why the others are missing.

    `speeds` is the machine's speed beside each sample, 1 being its normal one: what took long on a slow machine counts
    for less.
    """
    n, missing = len(samples), MissingValues()
    raw = median_interval(samples)
    corrected = median_interval([value * speed for value, speed in zip(samples, speeds, strict=True)])
    no_median = f"{n} samples bound no median"

    def quantile_ms(name: str, quantile: float) -> float | None:
        return missing.note(name, percentile(samples, quantile), too_few(quantile, n))

    return LatencyPoint(
        **place.fields(),
        batch=place.batch,
        concurrency=place.concurrency,
        input_shape=place.input_shape,
        n=n,
        mean_ms=float(np.mean(samples)),
        sd_ms=missing.note("sd_ms", float(np.std(samples, ddof=1)) if n > 1 else None, "one sample has no spread"),
        p50_ms=quantile_ms("p50_ms", 0.5),
        p50_low_ms=missing.note("p50_low_ms", raw.low, no_median),
        p50_high_ms=missing.note("p50_high_ms", raw.high, no_median),
        corrected_p50_ms=corrected.median,
        corrected_p50_low_ms=missing.note("corrected_p50_low_ms", corrected.low, no_median),
        corrected_p50_high_ms=missing.note("corrected_p50_high_ms", corrected.high, no_median),
        p90_ms=quantile_ms("p90_ms", 0.9),
        p95_ms=quantile_ms("p95_ms", 0.95),
        p99_ms=quantile_ms("p99_ms", 0.99),
        noise=noise,
        reasons=missing.reasons,
    )
