"""The present level of a demand, from as long a past as it has held.

Counts are first made alike in spread: x ↦ 2·√(x + 3/8) gives Poisson counts of any rate a variance of about 1
(Anscombe, The Transformation of Poisson, Binomial and Negative-Binomial Data, Biometrika 35, 1948). On that scale the
level is the mean of the last w seconds, for the longest w up to which the confidence intervals of all shorter windows'
means still have a point in common (intersection of confidence intervals: Goldenshluger and Nemirovski, On Spatially
Adaptive Estimation of Nonparametric Regression, Mathematical Methods of Statistics 6, 1997). Steady demand is averaged
over minutes, and a jump is followed within seconds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Half the length of a confidence interval, in standard errors.
CONFIDENCE = 2.0
MEMORY_S, USUAL_S = 60, 60
OFFSET = 3 / 8


class Level(NamedTuple):
    """On the scale of `stabilised`: the mean, and the standard deviation of one second around it.

    `window` is which of the windows the mean is over.
    """

    mean: float
    deviation: float
    window: int


def stabilised(demand_rps: np.ndarray) -> np.ndarray:
    """Counts on the scale where they spread alike."""
    scaled: np.ndarray = 2 * np.sqrt(demand_rps + OFFSET)
    return scaled


def rate_rps(stable: float) -> float:
    """Back from that scale; 0 for what lies below it."""
    return max(0.0, (max(stable, 0.0) / 2) ** 2 - OFFSET)


def variance(stable: np.ndarray) -> float:
    """Of one second around the level, from at least two: half the mean square of the change from one to the next, to
    which a level that moves slowly adds little (von Neumann et al., The Mean Square Successive Difference, Annals of
    Mathematical Statistics 12, 1941).
    """
    return float(np.square(np.diff(stable)).mean() / 2)


def level(demand_rps: np.ndarray, windows_s: Sequence[int], usual_variance: float) -> Level:
    """The level at the end of a demand of at least one second; windows longer than it do not count.

    `windows_s` grow from 1 s. The variance is that of the last minute, taken together with a minute of the usual one.
    """
    stable = stabilised(demand_rps)
    last = stable[-MEMORY_S - 1 :]
    changes = len(last) - 1
    seen = variance(last) if changes else 0.0
    deviation = float(np.sqrt((USUAL_S * usual_variance + changes * seen) / (USUAL_S + changes)))
    lengths = np.array([seconds for seconds in windows_s if seconds <= len(stable)])
    means = np.cumsum(stable[::-1])[lengths - 1] / lengths
    half = CONFIDENCE * deviation / np.sqrt(lengths)
    common = np.maximum.accumulate(means - half) <= np.minimum.accumulate(means + half)
    window = len(lengths) - 1 if common.all() else int(np.argmin(common)) - 1
    return Level(float(means[window]), deviation, window)
