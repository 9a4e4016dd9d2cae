"""The record of a latency, from the samples of one place."""

from collections.abc import Sequence
from typing import TypedDict, cast

import numpy as np

from profiler.analysis.statistics import (
    median_interval,
    percentile,
    quantile_interval,
    too_few,
    upper_bound,
)
from profiler.records.base import MissingValues, Noise
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place

# How far the drift of a latency wanders off that of the reference, relative, beyond what the samples show.
UNFOLLOWED_SD = 0.02
PERCENTILES = (90, 95, 99)


def latency_point(
    place: Place, samples: Sequence[float], references_per_s: Sequence[float], noise: Noise, drift_sd_share: float
) -> LatencyPoint:
    """The point with every figure that its samples (ms) can bear, and why the others are missing.

    `references_per_s` is the rate of the reference beside each sample. The intervals of the absolute figures contain
    the machine's drift between moments, whose relative standard deviation is `drift_sd_share`.
    """
    n, missing = len(samples), MissingValues()
    middle = median_interval(samples).wider(drift_sd_share)
    scaled = [value / 1e3 * rate for value, rate in zip(samples, references_per_s, strict=True)]
    relative = median_interval(scaled).wider(UNFOLLOWED_SD)
    no_median, no_spread = f"{n} samples bound no median", "one sample has no spread"
    return LatencyPoint(
        **place.fields(),
        batch=place.batch,
        concurrency=place.concurrency,
        input_shape=place.input_shape,
        visit_p50_ms=(None if noise.disturbed else middle.value,),
        visit_relative_p50=(None if noise.disturbed else relative.value,),
        n=n,
        mean_ms=float(np.mean(samples)),
        sd_ms=missing.note("sd_ms", float(np.std(samples, ddof=1)) if n > 1 else None, no_spread),
        p50_ms=missing.note("p50_ms", percentile(samples, 0.5), too_few(0.5, n)),
        p50_low_ms=missing.note("p50_low_ms", middle.low, no_median),
        p50_high_ms=missing.note("p50_high_ms", middle.high, no_median),
        relative_p50=relative.value,
        low_relative_p50=missing.note("low_relative_p50", relative.low, no_median),
        high_relative_p50=missing.note("high_relative_p50", relative.high, no_median),
        **percentiles(samples, drift_sd_share, missing),
        noise=noise,
        reasons=missing.reasons,
    )


class PercentileFields(TypedDict):
    """The fields of the percentiles in a `LatencyPoint`."""

    p90_ms: float | None
    p90_low_ms: float | None
    p90_high_ms: float | None
    p90_bound_ms: float | None
    p95_ms: float | None
    p95_low_ms: float | None
    p95_high_ms: float | None
    p95_bound_ms: float | None
    p99_ms: float | None
    p99_low_ms: float | None
    p99_high_ms: float | None
    p99_bound_ms: float | None


def percentiles(samples: Sequence[float], drift_sd_share: float, missing: MissingValues) -> PercentileFields:
    """Each percentile with its interval and its upper bound at 99 % confidence, all unknown with too few samples."""
    fields = dict[str, float | None]()
    for percent in PERCENTILES:
        quantile, name = percent / 100, f"p{percent}"
        known = percentile(samples, quantile)
        found = quantile_interval(samples, quantile).wider(drift_sd_share)
        values = {"": known, "low_": found.low, "high_": found.high, "bound_": upper_bound(samples, quantile)}
        for end, value in values.items():
            field = f"{name}_{end}ms"
            fields[field] = missing.note(field, None if known is None else value, too_few(quantile, len(samples)))
    return cast("PercentileFields", fields)
