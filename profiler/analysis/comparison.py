"""Comparisons of maximal throughputs: their rank correlation with cheap figures, and speed-ups by cores."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field
from scipy.special import ndtri
from scipy.stats import spearmanr

from profiler.analysis.statistics import CONFIDENCE
from profiler.records.base import Record
from profiler.records.throughput import MaximalThroughput

FEWEST_VARIANTS = 4


@dataclass(frozen=True)
class Figures:
    """The figures of one variant on one target; `latency_ms` is that of one input at a time."""

    flops: float | None
    latency_ms: float | None
    images_per_s: float


class RankCorrelation(Record):
    """Spearman's coefficient over `n` variants with its 95 % interval."""

    n: int = Field(ge=0)
    spearman: float | None = Field(ge=-1, le=1)
    low: float | None = Field(ge=-1, le=1)
    high: float | None = Field(ge=-1, le=1)


def throughput_correlations(variants: Sequence[Figures]) -> dict[str, RankCorrelation]:
    """The correlations of FLOPs, latency and inverse latency with throughput, over the variants of one target.

    A figure that predicts throughput is near −1 where a greater value means slower (FLOPs, latency), else near 1.
    """
    columns = {
        "FLOPs": [variant.flops for variant in variants],
        "latency": [variant.latency_ms for variant in variants],
        "inverse latency": [variant.latency_ms and 1 / variant.latency_ms for variant in variants],
    }
    throughput = [variant.images_per_s for variant in variants]
    return {name: rank_correlation(values, throughput) for name, values in columns.items()}


def rank_correlation(values: Sequence[float | None], others: Sequence[float]) -> RankCorrelation:
    """Spearman's coefficient over the known pairs, unknown for fewer than 4 or where one side is constant."""
    pairs = [(value, other) for value, other in zip(values, others, strict=True) if value is not None]
    n = len(pairs)
    if n < FEWEST_VARIANTS:
        return unknown_correlation(n, f"needs {FEWEST_VARIANTS} variants, {n} are known")
    if any(len(set(side)) == 1 for side in zip(*pairs, strict=True)):
        return unknown_correlation(n, f"all {n} variants have the same value, so they have no ranks")
    # Rounding may exceed the range by a last digit.
    rho = max(-1.0, min(1.0, float(spearmanr(*zip(*pairs, strict=True)).statistic)))
    low, high = interval(rho, n)
    return RankCorrelation(n=n, spearman=rho, low=low, high=high)


def unknown_correlation(n: int, reason: str) -> RankCorrelation:
    """The correlation that is unknown for this reason."""
    reasons = dict.fromkeys(("spearman", "low", "high"), reason)
    return RankCorrelation(n=n, spearman=None, low=None, high=None, reasons=reasons)


def interval(rho: float, n: int) -> tuple[float, float]:
    """The 95 % interval by Fisher's z with variance (1 + ρ²/2) / (n − 3) (Bonett and Wright 2000, Psychometrika 65).

    z is infinite where all ranks agree. The interval then begins half a step of Σd² inside, as a continuity
    correction: Σd² = 1 is between its least values 0 and 2, hence 1 − 6 / (n (n² − 1)).
    """
    inside = 1 - 6 / (n * (n**2 - 1))
    z = math.atanh(max(-inside, min(inside, rho)))
    half = float(ndtri((1 + CONFIDENCE) / 2)) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    return (-1.0 if rho <= -inside else math.tanh(z - half)), (1.0 if rho >= inside else math.tanh(z + half))


@dataclass(frozen=True)
class SpeedUp:
    """The throughput on `cores` over that on one core, with bounds from both intervals (thesis, table 5.1)."""

    batch: int
    instances: int
    cores: float
    ratio: float
    low: float | None
    high: float | None


def speed_ups(points: Sequence[MaximalThroughput]) -> list[SpeedUp]:
    """The speed-up of every point over its one-core point, from figures relative to the reference."""
    bases = {(point.batch, point.instances): point for point in points if point.cores == 1}
    pairs = [(point, bases.get((point.batch, point.instances))) for point in points if point.cores != 1]
    return [
        SpeedUp(
            point.batch,
            point.instances,
            point.cores,
            point.relative_throughput / base.relative_throughput,
            ratio(point.low_relative_throughput, base.high_relative_throughput),
            ratio(point.high_relative_throughput, base.low_relative_throughput),
        )
        for point, base in pairs
        if base is not None
    ]


def ratio(over: float | None, under: float | None) -> float | None:
    """The ratio of two values, `None` where one is unknown."""
    return None if over is None or under is None else over / under
