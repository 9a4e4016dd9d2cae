"""The present level of a demand, averaged over the time since its last change.

The variance of counts is stabilised first: x ↦ 2·√(x + 3/8) gives Poisson counts of any rate a variance of about 1
(Anscombe, The Transformation of Poisson, Binomial and Negative-Binomial Data, Biometrika 35, 1948). On that scale the
level is the mean of the last w seconds. w is the longest window up to which the confidence intervals of the means of
all shorter windows have a common point (intersection of confidence intervals: Goldenshluger and Nemirovski, On
Spatially Adaptive Estimation of Nonparametric Regression, Mathematical Methods of Statistics 6, 1997). A steady demand
is averaged over minutes, and a jump is followed within seconds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Half the length of a confidence interval, in standard errors.
CONFIDENCE = 2.0
MEMORY_S, USUAL_S = 60, 60
OFFSET = 3 / 8


class Level(NamedTuple):
    """The mean on the scale of `stabilised`, and the standard deviation of one second.

    `window` is the index of the window of the mean.
    """

    mean: float
    deviation: float
    window: int


def stabilised(demand_rps: np.ndarray) -> np.ndarray:
    """Counts on the scale where their variance does not depend on their rate."""
    scaled: np.ndarray = 2 * np.sqrt(demand_rps + OFFSET)
    return scaled


def rate_rps(stable: float) -> float:
    """The rate of a value on the scale of `stabilised`; 0 for values below the scale."""
    return max(0.0, (max(stable, 0.0) / 2) ** 2 - OFFSET)


def variance(stable: np.ndarray) -> float:
    """The variance of one second around the level, from at least two seconds.

    The estimate is half the mean square of successive differences, to which a slow change of the level adds little (von
    Neumann et al., The Mean Square Successive Difference, Annals of Mathematical Statistics 12, 1941).
    """
    return float(np.square(np.diff(stable)).mean() / 2)


def level(demand_rps: np.ndarray, windows_s: Sequence[int], usual_variance: float) -> Level:
    """The level at the end of a demand of at least one second; windows longer than the demand are left out.

    `windows_s` grow from 1 s. The variance is the mean of the last minute's and `usual_variance`, each weighted by its
    number of seconds.
    """
    stable = stabilised(demand_rps)
    last = stable[-MEMORY_S - 1 :]
    changes = len(last) - 1
    observed = variance(last) if changes else 0.0
    deviation = float(np.sqrt((USUAL_S * usual_variance + changes * observed) / (USUAL_S + changes)))
    lengths = np.array([seconds for seconds in windows_s if seconds <= len(stable)])
    means = np.cumsum(stable[::-1])[lengths - 1] / lengths
    half = CONFIDENCE * deviation / np.sqrt(lengths)
    common = np.maximum.accumulate(means - half) <= np.minimum.accumulate(means + half)
    window = len(lengths) - 1 if common.all() else int(np.argmin(common)) - 1
    return Level(float(means[window]), deviation, window)
