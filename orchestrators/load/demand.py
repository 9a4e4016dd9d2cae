"""A demand as an array, and the moments at which its requests leave.

The number of requests is as random as that of real arrivals. The profiler's own schedule fixes the number instead, so
that a short trial has exactly the load that it states.
"""

import numpy as np

from profiler.common.errors import BadInputError

# The most requests of one schedule: memory holds several copies of their moments.
MOST = 20_000_000


def checked_demand(demand_rps: np.ndarray) -> np.ndarray:
    """The demand as floats; raises `BadInputError` where it is not one finite rate of at least 0 for each second."""
    demand = np.asarray(demand_rps, dtype=float)
    if demand.ndim != 1 or not len(demand):
        raise BadInputError(
            f"a demand of shape {demand.shape}: it is one rate in requests/s for each second, (seconds,)"
        )
    if len(wrong := np.flatnonzero(~(np.isfinite(demand) & (demand >= 0)))):
        second = int(wrong[0])
        raise BadInputError(
            f"a demand of {demand[second]:g} requests/s in second {second}: give 0 or a finite rate above"
        )
    return demand


def checked_seconds(seconds: int, what: str) -> int:
    """A whole number of at least one second; raises `BadInputError` otherwise."""
    if not float(seconds).is_integer() or seconds < 1:
        raise BadInputError(f"{what} of {seconds} s: demands are counted in whole seconds, at least 1")
    return int(seconds)


def poisson_arrivals(demand_rps: np.ndarray, seed: int | np.random.SeedSequence) -> np.ndarray:
    """Sorted moments in s of a Poisson process whose rate is the demand of each second; the same for the same seed.

    Exact: the count of each second is Poisson with its rate, and given the count the moments are independent and even
    over the second (Ross, Stochastic Processes, theorem 2.3.1). Raises `BadInputError` for more than `MOST` requests.
    """
    demand = checked_demand(demand_rps)
    if (total := demand.sum()) > MOST:
        raise BadInputError(
            f"{total:.4g} requests in {len(demand)} s: at most {MOST:g}, give lower rates or fewer seconds"
        )
    generator = np.random.default_rng(seed)
    counts = generator.poisson(demand)
    seconds = np.repeat(np.arange(len(demand), dtype=float), counts)
    return np.sort(seconds + generator.random(len(seconds)))
