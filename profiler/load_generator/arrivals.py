"""When requests come, all drawn before the first one is sent."""

import math

import numpy as np


def poisson(rate_per_s: float, seconds: float, seed: int) -> np.ndarray:
    """Moments (s) of Poisson arrivals within `seconds`, at least one; the same ones for the same seed.

    The process is conditioned on its count: exponential gaps, scaled so that exactly the expected number falls
    into the stretch (Ross, Stochastic Processes, theorem 2.3.1). A free count would scatter a short stretch's
    load by 1/√n, and blur where a queue explodes.
    """
    count = max(1, math.floor(rate_per_s * seconds + 0.5))
    gaps = np.random.default_rng(seed).exponential(size=count + 1)
    moments: np.ndarray = np.cumsum(gaps)[:count] * (seconds / gaps.sum())
    return moments
