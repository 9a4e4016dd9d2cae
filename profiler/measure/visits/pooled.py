"""The figures of all visits to a model: rates over the slices of all, and the median of their medians."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from profiler.analysis.statistics import NORMAL_95, RatioInterval, t_quantile
from profiler.measure.latency.point import UNFOLLOWED_SD, PercentileFields
from profiler.measure.ledger import Ledger
from profiler.measure.throughput.run import Run, maximal
from profiler.measure.throughput.verdict import judge
from profiler.records.base import MissingValues, Point, unknown
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place
from profiler.records.throughput import MaximalThroughput, Visit
from profiler.target.model_under_test import ModelUnderTest

KEPT_BLOCKS = 3
# Fewer visits bound no spread between visits.
FEWEST_VISITS = 3
NO_LATENCY = "the load generator tells no latency of a single request"


def visit_point(place: Place, run: Run, visit: int) -> Visit:
    """The record of one visit."""
    samples, references_per_s = run.latencies()
    missing = MissingValues()
    relative = [value / 1e3 * per_s for value, per_s in zip(samples, references_per_s, strict=True)]
    return Visit(
        **place.fields(),
        batch=run.batch,
        concurrency=run.concurrency,
        visit=visit,
        blocks=run.blocks(KEPT_BLOCKS),
        n=len(samples),
        p50_ms=missing.note("p50_ms", float(np.median(samples)) if samples else None, NO_LATENCY),
        relative_p50=missing.note("relative_p50", float(np.median(relative)) if relative else None, NO_LATENCY),
        noise=run.seen.noise,
        reasons=missing.reasons,
    )


def pooled(model: ModelUnderTest, ledger: Ledger, newest: Visit, drift_sd_share: float) -> Iterator[Point]:
    """The maximum and the latency at the place of the newest visit, from all undisturbed visits to it."""
    at = (newest.runtime, newest.resources, newest.batch, newest.concurrency)
    earlier = [
        one
        for one in ledger.of(Visit)
        if (one.runtime, one.resources, one.batch, one.concurrency) == at and one.visit < newest.visit
    ]
    visits = [one for one in (*earlier, newest) if not one.noise.disturbed]
    maximum = ledger.at(MaximalThroughput, Place(newest.runtime, newest.resources, newest.batch))
    if maximum is not None and maximum.concurrency == newest.concurrency:
        yield pooled_maximum(maximum, newest.visit, visits, drift_sd_share, model.in_process)
    latency = ledger.at(LatencyPoint, Place(*at, model.shapes[0]))
    if latency is not None:
        yield pooled_latency(latency, newest, drift_sd_share)


def pooled_maximum(
    first: MaximalThroughput, made: int, visits: Sequence[Visit], drift_sd_share: float, in_process: bool
) -> MaximalThroughput:
    """The maximum over the slices of the undisturbed `visits` and of the first one, unless that was disturbed."""
    found = [*([] if first.noise.disturbed else [first.blocks]), *(one.blocks for one in visits)]
    if not found:
        return first.model_copy(update={"visits": made})
    blocks = sum(found[1:], found[0])
    raw, relative = maximal(blocks, drift_sd_share, first.searched_relative_throughput)
    verdict, why = judge(relative, first.client_cpu_share, first.saturated, in_process)
    rates = {
        "images_per_s": raw.ratio,
        "low_images_per_s": raw.low,
        "high_images_per_s": raw.high,
        "relative_throughput": relative.ratio,
        "low_relative_throughput": relative.low,
        "high_relative_throughput": relative.high,
    }
    reasons = with_reasons(first.reasons, rates, f"{made} short visits bound no rate")
    return first.model_copy(
        update={**rates, "visits": made, "verdict": verdict, "verdict_reason": why, "reasons": reasons}
    )


def pooled_latency(first: LatencyPoint, newest: Visit, drift_sd_share: float) -> LatencyPoint:
    """The latency with the median of one more visit; a disturbed visit has none."""
    medians, relatives = (
        placed(before, newest.visit, None if newest.noise.disturbed else value)
        for before, value in (
            (first.visit_p50_ms, newest.p50_ms), (first.visit_relative_p50, newest.relative_p50),
        )
    )  # fmt: skip
    known, known_relatives = ([one for one in values if one is not None] for values in (medians, relatives))
    made = {"visit_p50_ms": medians, "visit_relative_p50": relatives}
    if not known or not known_relatives:
        return first.model_copy(update=made)
    raw, relative = middle(known, drift_sd_share), middle(known_relatives, UNFOLLOWED_SD)
    figures = {
        "p50_ms": raw.ratio,
        "p50_low_ms": raw.low,
        "p50_high_ms": raw.high,
        "relative_p50": relative.ratio,
        "low_relative_p50": relative.low,
        "high_relative_p50": relative.high,
    }
    reasons = with_reasons(first.reasons, figures, f"{len(known)} visits bound no median")
    tails: dict[str, None] = {}
    if first.noise.disturbed:
        tails = dict.fromkeys(name for name in PercentileFields.__annotations__)
        reasons |= dict.fromkeys(tails, "the visit that measures percentiles was disturbed")
    return first.model_copy(update={**figures, **tails, **made, "reasons": reasons})


def placed(before: Sequence[float | None], visit: int, value: float | None) -> tuple[float | None, ...]:
    """The values by visit, with that of one visit in its place."""
    values = [*before, *[None] * (visit - len(before))]
    values[visit - 1] = value
    return tuple(values)


def middle(values: Sequence[float], unseen_sd: float) -> RatioInterval:
    """The geometric mean of the visits' values, with a 95 % interval from their spread and what they do not show."""
    logarithms = np.log(values)
    centre, n = float(np.mean(logarithms)), len(values)
    seen = t_quantile(n - 1) * float(np.std(logarithms, ddof=1)) / math.sqrt(n) if n >= FEWEST_VISITS else 0.0
    half = math.hypot(seen, NORMAL_95 * unseen_sd)
    return RatioInterval(math.exp(centre), math.exp(centre - half), math.exp(centre + half))


def with_reasons(before: Mapping[str, str], figures: Mapping[str, float | None], why: str) -> dict[str, str]:
    """The reasons of a record after these figures were replaced."""
    return {name: one for name, one in before.items() if name not in figures} | unknown(figures, why)
