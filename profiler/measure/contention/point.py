"""The contention factor: slices beside another model against slices alone, pair by pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from profiler.analysis.statistics import RatioInterval, ratio_interval
from profiler.measure.contention.co_run import Stretch
from profiler.measure.throughput.verdict import judge
from profiler.records.base import NOT_VISIBLE, MissingValues, Noise, Verdict
from profiler.records.throughput import Contention, MaximalThroughput

KEPT_UP = 0.95


@dataclass(frozen=True)
class Shared:
    """What every share was measured under: at a maximum, in this process or not, beside a model with a maximum."""

    maximum: MaximalThroughput
    in_process: bool
    beside: str
    other_max_per_s: float
    noise: Noise


def contention(shared: Shared, share: float, alone: Sequence[Stretch], beside: Sequence[Stretch]) -> Contention:
    """The point of one share of the other model's maximum."""
    maximum, missing = shared.maximum, MissingValues()
    factor = ratio_interval([per_reference([one]) for one in beside], [per_reference([one]) for one in alone])
    offered = float(np.mean([one.offered_per_s for one in beside]))
    answered = float(np.mean([one.answered_per_s for one in beside]))
    client = float(np.median([one.load.client_cpu_share for one in beside]))
    saturated = maximum.verdict != "not saturated"
    verdict, why = judge_factor(factor, client, shared.in_process, saturated, answered / offered, shared.beside)
    no_bound = f"{len(beside)} slices bound no ratio"
    return Contention(
        **maximum.place.fields(),
        beside=shared.beside,
        share=share,
        batch=maximum.batch,
        concurrency=maximum.concurrency,
        slices=len(beside),
        alone_images_per_s=maximum.batch * rate(alone),
        images_per_s=maximum.batch * rate(beside),
        factor=factor.ratio,
        factor_low=missing.note("factor_low", factor.low, no_bound),
        factor_high=missing.note("factor_high", factor.high, no_bound),
        other_max_per_s=shared.other_max_per_s,
        other_offered_per_s=offered,
        other_answered_per_s=answered,
        cores_used=missing.note("cores_used", mean_cores(beside), NOT_VISIBLE),
        alone_cores_used=missing.note("alone_cores_used", mean_cores(alone), NOT_VISIBLE),
        client_cpu_share=client,
        verdict=verdict,
        verdict_reason=why,
        noise=shared.noise,
        reasons=missing.reasons,
    )


def per_reference(stretches: Sequence[Stretch]) -> float:
    """Answers for each run of the reference that the same time would have held."""
    return sum(one.load.counted for one in stretches) / sum(one.load.seconds * one.reference_per_s for one in stretches)


def rate(stretches: Sequence[Stretch]) -> float:
    """Answers a second over all slices."""
    return sum(one.load.counted for one in stretches) / sum(one.load.seconds for one in stretches)


def mean_cores(stretches: Sequence[Stretch]) -> float | None:
    """The mean of the cores that were used, `None` where no stretch tells them."""
    used = [one.cores_used for one in stretches if one.cores_used is not None]
    return float(np.mean(used)) if used else None


def judge_factor(
    factor: RatioInterval, client_share: float, in_process: bool, saturated: bool, kept_up: float, beside: str
) -> tuple[Verdict, str]:
    """As for a throughput; and the other model must have had its share."""
    if kept_up < KEPT_UP:
        return "unsettled", f"{beside} answered {kept_up:.0%} of what it was offered"
    return judge(factor, client_share, saturated, in_process)
