"""The contention factor: slices beside another model against slices alone, pair by pair."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from profiler.analysis.statistics import RatioInterval, ratio_interval
from profiler.measure.contention.co_run import Stretch
from profiler.measure.throughput.verdict import judge
from profiler.records.base import Verdict
from profiler.records.contention import Contention
from profiler.records.throughput import MaximalThroughput
from profiler.system.missing_values import unknown

KEPT_UP = 0.95
RATES = ("offered_per_s", "answered_per_s")


def contention(
    maximum: MaximalThroughput,
    share: float,
    alone: Sequence[Stretch],
    beside: Sequence[Stretch],
    in_process: bool,
    shared: dict[str, Any],
) -> Contention:
    """The point; `shared` has what every share was measured under."""
    batch = maximum.batch
    factor = ratio_interval([per_probe([one]) for one in beside], [per_probe([one]) for one in alone])
    offered, answered = (float(np.mean([getattr(one, name) for one in beside])) for name in RATES)
    client = float(np.median([one.load.client_cpu_share for one in beside]))
    verdict, why = judge_factor(factor, client, in_process, maximum.verdict != "not saturated", answered / offered)
    bounds = {"factor_low": factor.low, "factor_high": factor.high}
    used = {"cores_used": mean_cores(beside), "alone_cores_used": mean_cores(alone)}
    reasons = unknown(bounds, f"{len(beside)} slices bound no ratio")
    return Contention.model_validate(
        {
            **maximum.at(),
            **shared,
            **bounds,
            **used,
            "share": share,
            "concurrency": maximum.concurrency,
            "slices": len(beside),
            "alone_images_per_s": batch * rate(alone),
            "images_per_s": batch * rate(beside),
            "factor": factor.ratio,
            "reference_offered_per_s": offered,
            "reference_answered_per_s": answered,
            "client_cpu_share": client,
            "verdict": verdict,
            "verdict_reason": why,
            "reasons": reasons | unknown(used, "the serving processes are not ours to see"),
        }
    )


def per_probe(stretches: Sequence[Stretch]) -> float:
    """Answers for each run of the probe that the same time would have held."""
    return sum(one.load.counted for one in stretches) / sum(one.load.seconds * one.probe_per_s for one in stretches)


def rate(stretches: Sequence[Stretch]) -> float:
    """Answers a second over all slices."""
    return sum(one.load.counted for one in stretches) / sum(one.load.seconds for one in stretches)


def mean_cores(stretches: Sequence[Stretch]) -> float | None:
    used = [one.cores_used for one in stretches if one.cores_used is not None]
    return float(np.mean(used)) if used else None


def judge_factor(
    factor: RatioInterval, client_share: float, in_process: bool, saturated: bool, kept_up: float
) -> tuple[Verdict, str]:
    """As for a throughput; and the other model must have had its share."""
    if kept_up < KEPT_UP:
        return "unsettled", f"the reference network answered {kept_up:.0%} of what it was offered"
    return judge(factor, client_share, saturated, in_process)
