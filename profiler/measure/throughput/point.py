"""The records of a throughput, from the slices of one run."""

import numpy as np

from profiler.common.target import Resources
from profiler.measure.throughput.run import Run
from profiler.measure.throughput.verdict import judge
from profiler.records.base import NOT_VISIBLE, MissingValues, Noise, Verdict
from profiler.records.place import Place, PlaceFields
from profiler.records.throughput import MaximalThroughput, ThroughputPoint
from profiler.target.model_under_test import ModelUnderTest


class RateFields(PlaceFields):
    """The fields that a point of the sweep and a maximum have in common."""

    batch: int
    concurrency: int
    slices: int
    images_per_s: float
    low_images_per_s: float | None
    high_images_per_s: float | None
    corrected_images_per_s: float
    corrected_low_images_per_s: float | None
    corrected_high_images_per_s: float | None
    answers: int
    server_answers: int | None
    client_cpu_share: float
    verdict: Verdict
    verdict_reason: str
    noise: Noise


def throughput_point(model: ModelUnderTest, resources: Resources, run: Run) -> ThroughputPoint:
    """A point of the sweep."""
    missing = MissingValues()
    return ThroughputPoint(**rates(model, resources, run, True, missing), reasons=missing.reasons)


def maximal_throughput(model: ModelUnderTest, resources: Resources, run: Run, saturated: bool) -> MaximalThroughput:
    """A maximum; `saturated` says whether the rate had stopped rising at that concurrency."""
    missing, used_s = MissingValues(), run.server_cpu_s
    cores = None if used_s is None else used_s / sum(one.wall_s for one in run.slices)
    each_s = None if used_s is None else used_s / run.answers
    return MaximalThroughput(
        **rates(model, resources, run, saturated, missing),
        server_cores_used=missing.note("server_cores_used", cores, NOT_VISIBLE),
        core_s_per_inference=missing.note("core_s_per_inference", each_s, NOT_VISIBLE),
        energy=run.energy.read(run.answers),
        reasons=missing.reasons,
    )


def rates(model: ModelUnderTest, resources: Resources, run: Run, saturated: bool, missing: MissingValues) -> RateFields:
    """The rates as counted and with the drift divided out, and whether they can be taken for the maximum."""
    reference = model.reference(resources)
    raw, corrected = run.rate(), run.rate(reference.normal_per_s)
    share = float(np.median([one.client_cpu_share for one in run.slices]))
    verdict, why = judge(corrected, share, saturated, model.in_process)
    no_bound = f"{len(run.slices)} slices bound no rate"
    return {
        **Place(model.runtime, resources).fields(),
        "batch": run.batch,
        "concurrency": run.concurrency,
        "slices": len(run.slices),
        "images_per_s": raw.ratio,
        "low_images_per_s": missing.note("low_images_per_s", raw.low, no_bound),
        "high_images_per_s": missing.note("high_images_per_s", raw.high, no_bound),
        "corrected_images_per_s": corrected.ratio,
        "corrected_low_images_per_s": missing.note("corrected_low_images_per_s", corrected.low, no_bound),
        "corrected_high_images_per_s": missing.note("corrected_high_images_per_s", corrected.high, no_bound),
        "answers": run.answers,
        "server_answers": missing.note("server_answers", run.server_answers, "nobody but the client counts"),
        "client_cpu_share": share,
        "verdict": verdict,
        "verdict_reason": why,
        "noise": run.noise_beside(reference.kind),
    }
