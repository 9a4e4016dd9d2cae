"""When requests leave, for a demand given second by second.

Unlike the profiler's own schedule, which is conditioned on its count so that a short trial is exactly as loaded as it
says, the count here is as random as the process that is imitated.
"""

import numpy as np

from orchestrators.load.demand import checked_demand
from profiler.common.errors import BadInputError

# Their moments are kept in memory, several times over.
MOST = 20_000_000


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
