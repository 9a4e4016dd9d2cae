"""How many wait longer than rates alone say, because requests do not come evenly.

Within a second the work that waits is taken as a Brownian motion of drift ρ − 1 and variance ρτ a second, where a
request is τ of work and ρ of a second's work comes; reflected at 0, where it was a second ago (Harrison, Brownian
Motion and Stochastic Flow Systems, 1985, section 1.8). What builds up over seconds is in the counts of the seconds.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def longer_than(wait_s: Floats, load: Floats, work_s: Floats) -> Floats:
    """The share that waits longer than `wait_s`, for a load ρ that counts as 1 at most."""
    from scipy.special import ndtr

    rho = np.clip(load, 1e-9, 1.0)
    sd = np.sqrt(rho * work_s)
    wait = np.maximum(wait_s, 0.0)
    drift = rho - 1
    found: Floats = ndtr((drift - wait) / sd) + np.exp(2 * drift * wait / (rho * work_s)) * ndtr((-wait - drift) / sd)
    return np.where(wait_s > 0, found, 1.0)


def ramp_above(limit: Floats, first: Floats, last: Floats) -> Floats:
    """The share of a straight way from `first` to `last` that lies above the limit."""
    low, high = np.minimum(first, last), np.maximum(first, last)
    length = high - low
    found: Floats = np.clip((high - limit) / np.where(length > 0, length, 1.0), 0, 1)
    return np.where(length > 0, found, (low > limit).astype(float))
