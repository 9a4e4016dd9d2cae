"""The records of the warm-up, from fresh loads."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from profiler.analysis.statistics import median_interval, percentile, steady_from, too_few
from profiler.measure.warm_up.fresh_load import FreshLoad
from profiler.records.base import NOT_VISIBLE, MissingValues, Noise
from profiler.records.place import PageCache, Place
from profiler.records.warm_up import (
    MONITORED,
    MONITORED_FEATURES,
    POINTS_KEPT,
    FirstInference,
    LoadTime,
    UnloadTime,
    WarmUpCurve,
)
from profiler.target.model_under_test import ModelUnderTest

WARM_ANSWERS = 10


def place(model: ModelUnderTest) -> Place:
    """Where every point of the warm-up is measured: on the target's own resources."""
    return Place(model.runtime, model.own)


def load_time(
    model: ModelUnderTest, page_cache: PageCache, loads: Sequence[FreshLoad], noise: Noise, why_none: str | None = None
) -> LoadTime:
    """Figures over loads, or with none of them the reason."""
    samples, missing = [load.load_ms for load in loads], MissingValues()
    model.samples[f"load_{page_cache}_ms"] = np.array(samples)
    shares = [load.resident_share for load in loads if load.resident_share is not None]
    share = (min if page_cache == "warm" else max)(shares, default=None)
    no_share = why_none or "the system does not tell what of the file is in memory"
    return LoadTime(
        **place(model).fields(),
        **durations(samples, why_none or "nothing was loaded", missing),
        page_cache=page_cache,
        resident_share=missing.note("resident_share", share, no_share),
        noise=noise,
        reasons=missing.reasons,
    )


def unload_time(model: ModelUnderTest, loads: Sequence[FreshLoad], noise: Noise) -> UnloadTime:
    """Figures over the ends of loads."""
    samples, missing = [load.unload_ms for load in loads], MissingValues()
    model.samples["unload_ms"] = np.array(samples)
    figures = durations(samples, "nothing was loaded", missing)
    return UnloadTime(**place(model).fields(), **figures, noise=noise, reasons=missing.reasons)


class DurationFields(TypedDict):
    """The fields of `Durations`."""

    n: int
    mean_ms: float | None
    sd_ms: float | None
    p50_ms: float | None
    p50_low_ms: float | None
    p50_high_ms: float | None
    p95_ms: float | None
    min_ms: float | None
    max_ms: float | None


def durations(samples_ms: Sequence[float], why_none: str, missing: MissingValues) -> DurationFields:
    """The figures that so many samples can bear; the reasons for the others go to `missing`."""
    n = len(samples_ms)
    middle = median_interval(samples_ms) if n else None

    def known(name: str, value: float | None, why: str = "") -> float | None:
        return missing.note(name, value, why if n else why_none)

    no_median = f"{n} samples bound no median"
    return {
        "n": n,
        "mean_ms": known("mean_ms", float(np.mean(samples_ms)) if n else None),
        "sd_ms": known("sd_ms", float(np.std(samples_ms, ddof=1)) if n > 1 else None, "one sample has no spread"),
        "p50_ms": known("p50_ms", percentile(samples_ms, 0.5), too_few(0.5, n)),
        "p50_low_ms": known("p50_low_ms", middle.low if middle else None, no_median),
        "p50_high_ms": known("p50_high_ms", middle.high if middle else None, no_median),
        "p95_ms": known("p95_ms", percentile(samples_ms, 0.95), too_few(0.95, n)),
        "min_ms": known("min_ms", min(samples_ms, default=None)),
        "max_ms": known("max_ms", max(samples_ms, default=None)),
    }


def first_inference(model: ModelUnderTest, loads: Sequence[FreshLoad], noise: Noise) -> FirstInference:
    """The first inference of each of these loads, all of one batch size."""
    batch, n = loads[0].batch, len(loads)
    ordered = sorted(loads, key=lambda load: load.latencies_ms[0])
    first = [load.latencies_ms[0] for load in ordered]
    warm = [value for load in loads for value in load.latencies_ms[1:][-WARM_ANSWERS:]]
    model.samples[f"first_inference_batch_{batch}_ms"] = np.array([load.latencies_ms[0] for load in loads])
    if loads[0].features:
        model.samples[MONITORED_FEATURES] = np.array(list(loads[0].features))
        features = [list(load.features.values()) for load in loads]
        model.samples[f"{MONITORED}{batch}"] = np.array(features, dtype=np.float64)
    middle = ordered[(n - 1) // 2]
    missing, switches = MissingValues(), middle.loading_involuntary_switches
    return FirstInference(
        **place(model).fields(),
        batch=batch,
        n=n,
        first_ms=float(np.median(first)),
        first_min_ms=first[0],
        first_max_ms=first[-1],
        warm_n=len(warm),
        warm_ms=float(np.median(warm)),
        before=missing.note("before", middle.before, NOT_VISIBLE),
        loading_involuntary_switches=missing.note("loading_involuntary_switches", switches, NOT_VISIBLE),
        noise=noise,
        reasons=missing.reasons,
    )


def warm_up_curve(model: ModelUnderTest, load: FreshLoad, noise: Noise) -> WarmUpCurve:
    """The latencies from the first inference on, and when they no longer fell."""
    curve, batch = load.latencies_ms, load.batch
    model.samples[f"warm_up_batch_{batch}_ms"] = np.array(curve)
    steady, missing = steady_from(curve), MissingValues()
    seconds = None if steady is None else sum(curve[:steady]) / 1e3
    steady_ms = None if steady is None else float(np.median(curve[steady:]))
    why = f"it did not settle in {len(curve)} inferences"
    every = -(-len(curve) // POINTS_KEPT)
    return WarmUpCurve(
        **place(model).fields(),
        batch=batch,
        n=len(curve),
        every=every,
        latency_ms=tuple(curve[::every]),
        inferences_until_steady=missing.note("inferences_until_steady", steady, why),
        seconds_until_steady=missing.note("seconds_until_steady", seconds, why),
        steady_ms=missing.note("steady_ms", steady_ms, why),
        noise=noise,
        reasons=missing.reasons,
    )
