"""Statistics of samples with intervals, which are unknown where the samples are too few."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit
from scipy.stats import binom

CONFIDENCE = 0.95
PERCENTILE_CONFIDENCE = 0.99

FEWEST_BLOCKS, MOST_BLOCKS, SLICES_IN_A_BLOCK = 6, 12, 2

STEADY_WINDOW = 5
STEADY_TOLERANCE = 0.05
STEADY_STANDARD_ERRORS = 4
NORMAL_QUARTILE, NORMAL_95 = 0.6745, 1.96


@dataclass(frozen=True)
class MedianInterval:
    """A median with a distribution-free interval of at least 95 %; the bounds are `None` below 6 samples."""

    median: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class RatioInterval:
    """A ratio of sums with its 95 % interval; the bounds are `None` below 6 slices."""

    ratio: float
    low: float | None
    high: float | None


def samples_for_percentile(quantile: float) -> int:
    """The number of samples from which the largest one bounds `quantile` from above at 99 % confidence.

    It is the smallest n with 1 − qⁿ ≥ 0.99, MLPerf LoadGen's early-stopping bound: p90 44, p95 90, p99 459.
    """
    return math.ceil(math.log(1 - PERCENTILE_CONFIDENCE) / math.log(quantile))


def percentile(samples: Sequence[float], quantile: float) -> float | None:
    """The quantile (0 to 1) of the samples, `None` where they are too few to bound it."""
    if len(samples) < samples_for_percentile(quantile):
        return None
    return float(np.quantile(samples, quantile))


def too_few(quantile: float, n: int) -> str:
    """The reason why `percentile` returned `None`."""
    return f"p{quantile * 100:g} needs {samples_for_percentile(quantile)} samples, {n} were taken"


def median_interval(samples: Sequence[float]) -> MedianInterval:
    """The median, and two order statistics that bound it with at least 95 % (binomial, Conover 1999, 3.2)."""
    ordered = sorted(samples)
    n = len(ordered)
    median = float(np.median(ordered))
    rank = int(binom.ppf((1 - CONFIDENCE) / 2, n, 0.5))
    if rank == 0:
        return MedianInterval(median, None, None)
    return MedianInterval(median, ordered[rank - 1], ordered[n - rank])


def t_quantile(degrees_of_freedom: int) -> float:
    """The half width of the 95 % interval in standard errors (Student)."""
    return float(stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2))


def ratio_interval(counted: Sequence[float], seconds: Sequence[float], unseen_sd: float = 0.0) -> RatioInterval:
    """The sum of all counts over the sum of all seconds, with a jackknife interval on the logarithm (Miller 1974).

    Neighbouring slices are correlated, so the jackknife leaves out blocks of at least two slices where that gives six
    blocks. Callers divide a drift out by scaling a slice's seconds. `unseen_sd` is a relative standard uncertainty that
    does not show between slices; it is combined with theirs (JCGM 100:2008, 5.1).
    """
    top, bottom = np.asarray(counted, float), np.asarray(seconds, float)
    ratio = float(top.sum() / bottom.sum())
    blocks = max(FEWEST_BLOCKS, min(MOST_BLOCKS, len(top) // SLICES_IN_A_BLOCK))
    if len(top) < FEWEST_BLOCKS:
        return RatioInterval(ratio, None, None)
    left_top = top.sum() - np.array([block.sum() for block in np.array_split(top, blocks)])
    left_bottom = bottom.sum() - np.array([block.sum() for block in np.array_split(bottom, blocks)])
    if not left_top.all():
        return RatioInterval(ratio, None, None)
    logarithms = np.log(left_top / left_bottom)
    seen = t_quantile(blocks - 1) * math.sqrt((blocks - 1) * float(np.var(logarithms)))
    half = math.hypot(seen, NORMAL_95 * unseen_sd)
    return RatioInterval(ratio, ratio * math.exp(-half), ratio * math.exp(half))


def steady_from(samples: Sequence[float]) -> int | None:
    """The first sample from which a warm-up curve stays at its final level, `None` where it has not settled.

    The level is the median of the last half. From the index on, the sample itself and the median of every five
    successive samples are within a band: 5 % of the level, or four standard errors of such a median where the noise is
    larger. So a single spike does not count, and a curve that still falls has not settled.
    """
    values = np.asarray(samples, float)
    if len(values) < 2 * STEADY_WINDOW:
        return None
    level = float(np.median(values[len(values) // 2 :]))
    # The noise of one value follows from the median difference of neighbours, and that of a median from it.
    sd = float(np.median(np.abs(np.diff(values)))) / (NORMAL_QUARTILE * math.sqrt(2))
    standard_error = sd * math.sqrt(math.pi / 2 / STEADY_WINDOW)
    band = max(STEADY_TOLERANCE * level, STEADY_STANDARD_ERRORS * standard_error)
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, STEADY_WINDOW), axis=1)
    outside = np.flatnonzero(np.abs(medians - level) > band)
    first = int(outside[-1]) + 1 if len(outside) else 0
    inside = np.flatnonzero(np.abs(values - level) <= band)
    later = inside[inside >= first]
    return int(later[0]) if first < len(medians) and len(later) else None
