"""When requests leave, for a demand given second by second.

Unlike the profiler's own schedule, which is conditioned on its count so that a short trial is exactly as loaded as it
says, the count here is as random as the process that is imitated.
"""

import numpy as np

from orchestrators.load.demand import checked_demand


def poisson_arrivals(demand_rps: np.ndarray, seed: int | np.random.SeedSequence) -> np.ndarray:
    """Sorted moments in s of a Poisson process whose rate is the demand of each second; the same for the same seed.

    Exact: the count of each second is Poisson with its rate, and given the count the moments are independent and even
    over the second (Ross, Stochastic Processes, theorem 2.3.1).
    """
    demand = checked_demand(demand_rps)
    generator = np.random.default_rng(seed)
    counts = generator.poisson(demand)
    seconds = np.repeat(np.arange(len(demand), dtype=float), counts)
    return np.sort(seconds + generator.random(len(seconds)))


def even_arrivals(demand_rps: np.ndarray) -> np.ndarray:
    """Sorted moments in s, evenly within each second, of exactly as many requests as the demand says.

    Fractions of a request are carried on, so that after any second the count is the demand so far to within half a one.
    """
    demand = checked_demand(demand_rps)
    total = np.floor(np.cumsum(demand) + 0.5).astype(np.int64)
    counts = np.diff(total, prepend=0)
    within = np.arange(counts.sum()) - np.repeat(total - counts, counts)
    seconds = np.repeat(np.arange(len(demand), dtype=float), counts)
    moments: np.ndarray = seconds + (within + 0.5) / np.repeat(counts, counts)
    return moments
