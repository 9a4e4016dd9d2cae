"""The records of the warm-up, from fresh loads."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from profiler.analysis.statistics import median_interval, percentile, steady_from, too_few
from profiler.measure.warm_up.fresh_load import FreshLoad
from profiler.records.noise import Noise
from profiler.records.warm_up import POINTS_KEPT, FirstInference, LoadTime, PageCache, UnloadTime, WarmUpCurve
from profiler.system.missing_values import unknown
from profiler.target.model_under_test import Subject

WARM_ANSWERS = 10
DURATIONS = ("mean_ms", "sd_ms", "p50_ms", "p50_low_ms", "p50_high_ms", "p95_ms", "min_ms", "max_ms")
NOT_OURS = "the serving processes are not ours to see"


def place(subject: Subject) -> dict[str, Any]:
    """What every point of the warm-up is measured with: the target's own resources."""
    resources = subject.bench.target.resources
    return {
        "runtime": subject.bench.host.runtime,
        "cores": resources.cores,
        "threads": resources.threads,
        "instances": resources.instances,
    }


def load_time(
    subject: Subject, page_cache: PageCache, loads: Sequence[FreshLoad], noise: Noise, why_none: str | None = None
) -> LoadTime:
    """Figures over loads, or with none of them the reason."""
    samples = [load.load_ms for load in loads]
    subject.samples[f"load_{page_cache}_ms"] = np.array(samples)
    figures = durations(samples, why_none or "nothing was loaded")
    shares = [load.resident_share for load in loads if load.resident_share is not None]
    share = (min if page_cache == "warm" else max)(shares, default=None)
    if share is None:
        figures["reasons"]["resident_share"] = why_none or "the system does not tell what of the file is in memory"
    return LoadTime(**place(subject), page_cache=page_cache, resident_share=share, noise=noise, **figures)


def unload_time(subject: Subject, loads: Sequence[FreshLoad], noise: Noise) -> UnloadTime:
    samples = [load.unload_ms for load in loads]
    subject.samples["unload_ms"] = np.array(samples)
    return UnloadTime(**place(subject), noise=noise, **durations(samples, "nothing was loaded"))


def durations(samples_ms: Sequence[float], why_none: str) -> dict[str, Any]:
    """The figures that so many samples can bear, and the reasons for the others."""
    n = len(samples_ms)
    if n == 0:
        return {"n": 0, **dict.fromkeys(DURATIONS), "reasons": dict.fromkeys(DURATIONS, why_none)}
    middle = median_interval(samples_ms)
    figures = {
        "mean_ms": (float(np.mean(samples_ms)), ""),
        "sd_ms": (float(np.std(samples_ms, ddof=1)) if n > 1 else None, "one sample has no spread"),
        "p50_ms": (percentile(samples_ms, 0.5), too_few(0.5, n)),
        "p50_low_ms": (middle.low, f"{n} samples bound no median"),
        "p50_high_ms": (middle.high, f"{n} samples bound no median"),
        "p95_ms": (percentile(samples_ms, 0.95), too_few(0.95, n)),
        "min_ms": (min(samples_ms), ""),
        "max_ms": (max(samples_ms), ""),
    }
    reasons = {name: reason for name, (value, reason) in figures.items() if value is None}
    return {"n": n, "reasons": reasons, **{name: value for name, (value, _) in figures.items()}}


def first_inference(subject: Subject, loads: Sequence[FreshLoad], noise: Noise) -> FirstInference:
    """The first inference of each of these loads, all of one batch size."""
    batch, n = loads[0].batch, len(loads)
    ordered = sorted(loads, key=lambda load: load.latencies_ms[0])
    first = [load.latencies_ms[0] for load in ordered]
    warm = [value for load in loads for value in load.latencies_ms[1:][-WARM_ANSWERS:]]
    subject.samples[f"first_inference_batch_{batch}_ms"] = np.array([load.latencies_ms[0] for load in loads])
    middle = ordered[(n - 1) // 2]
    state = {"before": middle.before, "loading_involuntary_switches": middle.loading_involuntary_switches}
    return FirstInference(
        **place(subject),
        batch=batch,
        n=n,
        first_ms=float(np.median(first)),
        first_min_ms=first[0],
        first_max_ms=first[-1],
        warm_n=len(warm),
        warm_ms=float(np.median(warm)),
        noise=noise,
        reasons=unknown(state, NOT_OURS),
        **state,
    )


def warm_up_curve(subject: Subject, load: FreshLoad, noise: Noise) -> WarmUpCurve:
    """The latencies from the first inference on, and when they no longer fell."""
    curve, batch = load.latencies_ms, load.batch
    subject.samples[f"warm_up_batch_{batch}_ms"] = np.array(curve)
    steady = steady_from(curve)
    figures = {
        "inferences_until_steady": steady,
        "seconds_until_steady": None if steady is None else sum(curve[:steady]) / 1e3,
        "steady_ms": None if steady is None else float(np.median(curve[steady:])),
    }
    every = -(-len(curve) // POINTS_KEPT)
    return WarmUpCurve(
        **place(subject),
        batch=batch,
        n=len(curve),
        every=every,
        latency_ms=tuple(curve[::every]),
        noise=noise,
        reasons=unknown(figures, f"it did not settle in {len(curve)} inferences"),
        **figures,
    )
