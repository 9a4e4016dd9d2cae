"""Statistics of samples with intervals, which are unknown where the samples are too few."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
class QuantileInterval:
    """A quantile with a distribution-free interval of at least 95 %; bounds that too few samples hold are `None`."""

    value: float
    low: float | None
    high: float | None

    def wider(self, unseen_sd: float) -> "QuantileInterval":
        """The interval with a relative standard uncertainty that these samples do not show (JCGM 100:2008, 5.1)."""

        def end(bound: float | None) -> float | None:
            if bound is None:
                return None
            return math.hypot(math.log(bound / self.value), NORMAL_95 * unseen_sd)

        low, high = end(self.low), end(self.high)
        return QuantileInterval(
            self.value,
            None if low is None else self.value * math.exp(-low),
            None if high is None else self.value * math.exp(high),
        )


@dataclass(frozen=True)
class RatioInterval:
    """A ratio of sums with its 95 % interval; the bounds are `None` below 6 slices."""

    ratio: float
    low: float | None
    high: float | None

    def reaching(self, value: float) -> "RatioInterval":
        """The interval with an upper end that is not below the value."""
        return self if self.high is None else replace(self, high=max(self.high, value))


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


def quantile_interval(samples: Sequence[float], quantile: float) -> QuantileInterval:
    """The quantile, and two order statistics that bound it with at least 95 % (binomial, Conover 1999, 3.2)."""
    ordered = sorted(samples)
    n, tail = len(ordered), (1 - CONFIDENCE) / 2
    value = float(np.quantile(ordered, quantile))
    low, high = int(binom.ppf(tail, n, quantile)), int(binom.ppf(1 - tail, n, quantile)) + 1
    return QuantileInterval(value, ordered[low - 1] if low > 0 else None, ordered[high - 1] if high <= n else None)


def median_interval(samples: Sequence[float]) -> QuantileInterval:
    """The median with its interval, which needs 6 samples."""
    return quantile_interval(samples, 0.5)


def upper_bound(samples: Sequence[float], quantile: float) -> float | None:
    """The order statistic that bounds the quantile from above at 99 % confidence, `None` where none does."""
    ordered = sorted(samples)
    rank = int(binom.ppf(PERCENTILE_CONFIDENCE, len(ordered), quantile)) + 1
    return ordered[rank - 1] if rank <= len(ordered) else None


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
