"""The records of a throughput, from the slices of one run."""

import numpy as np

from profiler.analysis.statistics import FEWEST_BLOCKS
from profiler.common.target import Resources
from profiler.measure.throughput.run import Run, maximal
from profiler.measure.throughput.verdict import disturbed, judge
from profiler.records.base import NOT_VISIBLE, MissingValues, Noise, Verdict
from profiler.records.place import Place, PlaceFields
from profiler.records.throughput import MaximalThroughput, ThroughputPoint
from profiler.target.model_under_test import ModelUnderTest

# So many blocks of a visit are kept, enough for an interval of each visit alone.
KEPT_BLOCKS = FEWEST_BLOCKS


class RateFields(PlaceFields):
    """The fields that a point of the sweep and a maximum have in common."""

    batch: int
    concurrency: int
    slices: int
    images_per_s: float
    low_images_per_s: float | None
    high_images_per_s: float | None
    relative_throughput: float
    low_relative_throughput: float | None
    high_relative_throughput: float | None
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


def maximal_throughput(
    model: ModelUnderTest, resources: Resources, run: Run, saturated: bool, searched_relative: float
) -> MaximalThroughput:
    """A maximum; `saturated` says whether the rate had stopped rising at that concurrency.

    `searched_relative` is the highest relative throughput of the search at another concurrency.
    """
    missing, used_s = MissingValues(), run.server_cpu_s
    cores = None if used_s is None else used_s / sum(one.wall_s for one in run.slices)
    each_s = None if used_s is None else used_s / run.answers
    return MaximalThroughput(
        **rates(model, resources, run, saturated, missing, searched_relative),
        server_cores_used=missing.note("server_cores_used", cores, NOT_VISIBLE),
        core_s_per_inference=missing.note("core_s_per_inference", each_s, NOT_VISIBLE),
        saturated=saturated,
        searched_relative_throughput=searched_relative,
        blocks=run.blocks(KEPT_BLOCKS),
        energy=run.energy.read(run.answers),
        reasons=missing.reasons,
    )


def rates(
    model: ModelUnderTest,
    resources: Resources,
    run: Run,
    saturated: bool,
    missing: MissingValues,
    searched_relative: float = 0.0,
) -> RateFields:
    """The rates as delivered and relative to the reference, and whether they can be taken for the maximum."""
    raw, relative = maximal(run.blocks(), run.drift_sd_share, searched_relative)
    share = float(np.median([one.client_cpu_share for one in run.slices]))
    noise = run.seen.noise
    verdict, why = judge(relative, share, saturated, model.in_process)
    if noise.disturbed:
        verdict, why = "disturbed", disturbed(noise)
    no_bound = f"{len(run.seen.counting)} slices bound no rate"
    return {
        **Place(model.runtime, resources).fields(),
        "batch": run.batch,
        "concurrency": run.concurrency,
        "slices": len(run.seen.counting),
        "images_per_s": raw.ratio,
        "low_images_per_s": missing.note("low_images_per_s", raw.low, no_bound),
        "high_images_per_s": missing.note("high_images_per_s", raw.high, no_bound),
        "relative_throughput": relative.ratio,
        "low_relative_throughput": missing.note("low_relative_throughput", relative.low, no_bound),
        "high_relative_throughput": missing.note("high_relative_throughput", relative.high, no_bound),
        "answers": run.answers,
        "server_answers": missing.note("server_answers", run.server_answers, "nobody but the client counts"),
        "client_cpu_share": share,
        "verdict": verdict,
        "verdict_reason": why,
        "noise": noise,
    }
