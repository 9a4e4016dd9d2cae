"""Figures that do not claim more than their samples can bear."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

CONFIDENCE = 0.95
PERCENTILE_CONFIDENCE = 0.99


@dataclass(frozen=True)
class MedianInterval:
    """A median with a distribution-free interval of at least 95 %; the bounds are `None` below 6 samples."""

    median: float
    low: float | None
    high: float | None


def samples_for_percentile(quantile: float) -> int:
    """Samples after which the largest one bounds `quantile` from above at 99 % confidence, with no overshoot.

    The smallest n with 1 − qⁿ ≥ .99, MLPerf LoadGen's early-stopping bound: p90 44, p95 90, p99 459.
    """
    return math.ceil(math.log(1 - PERCENTILE_CONFIDENCE) / math.log(quantile))


def percentile(samples: Sequence[float], quantile: float) -> float | None:
    """The quantile (0 to 1) of the samples, or `None` where they are too few to bound it."""
    if len(samples) < samples_for_percentile(quantile):
        return None
    return float(np.quantile(samples, quantile))


def too_few(quantile: float, n: int) -> str:
    """Why `percentile` gave nothing."""
    return f"p{quantile * 100:g} needs {samples_for_percentile(quantile)} samples, {n} were taken"


def median_interval(samples: Sequence[float]) -> MedianInterval:
    """The median between two order statistics that hold it with at least 95 % (binomial, Conover 1999, 3.2)."""
    ordered = sorted(samples)
    n = len(ordered)
    median = float(np.median(ordered))
    rank = int(binom.ppf((1 - CONFIDENCE) / 2, n, 0.5))
    if rank == 0:
        return MedianInterval(median, None, None)
    return MedianInterval(median, ordered[rank - 1], ordered[n - rank])
