"""A demand as an array, and the moments at which its requests leave.

The number of requests is as random as that of real arrivals. The profiler's own schedule fixes the number instead, so
that a short trial has exactly the load that it states.
"""

from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from profiler.common.errors import BadInputError
from profiler.records.base import Value

# The most requests of one schedule: memory holds several copies of their moments.
MOST = 20_000_000
# As a share of the first rate: a falling rate that only rounding keeps above 0 counts as 0.
NOTHING = 1e-9
# The thesis's stress tests end where "significantly" many requests are late, without a figure (5.2.2).
LATE_SHARE = 0.1


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


def constant(rate_rps: float, seconds: int) -> np.ndarray:
    """The same rate in each second, (seconds,); raises `BadInputError` for a negative or infinite rate."""
    return checked_demand(np.full(checked_seconds(seconds, "a demand"), float(rate_rps)))


class Steps(Value):
    """Rates that begin at `start_rps`, each held for `step_s`.

    linear: `start`, `start + growth`, `start + 2·growth`, …; exponential: the same with a distance that doubles,
    `start`, `start + growth`, `start + 2·growth`, `start + 4·growth`, …; from 1 by 1 these are 1, 2, 3, 5, 9, 17, 33,
    65 and 129 requests/s, the rates in the thesis's figures 5.5 and 5.14. With a negative growth the rates fall, and
    the steps end before a rate of 0.
    """

    shape: Literal["linear", "exponential"]
    start_rps: float = Field(gt=0)
    growth_rps: float
    step_s: int = Field(ge=1)

    @field_validator("growth_rps")
    @classmethod
    def moves(cls, growth_rps: float) -> float:
        """Raises `ValueError` for a growth of 0."""
        if not growth_rps:
            raise ValueError("steps grow (above 0) or fall (below 0); mean_rps holds a rate")
        return growth_rps

    def rates_rps(self, seconds: int) -> np.ndarray:
        """The rate of every step that ends within `seconds`, (steps,); raises `BadInputError` where none does."""
        if seconds < self.step_s:
            raise BadInputError(f"seconds={seconds}: one step takes {self.step_s} s, give at least as many")
        number = np.arange(seconds // self.step_s, dtype=float)
        # Rates above the range of floats become infinite; `checked_demand` refuses them.
        with np.errstate(over="ignore"):
            distance = number if self.shape == "linear" else np.where(number > 0, np.exp2(number - 1), 0.0)
            rates: np.ndarray = self.start_rps + self.growth_rps * distance
        ended = np.flatnonzero(rates <= NOTHING * self.start_rps)
        return rates[: ended[0]] if len(ended) else rates

    def demand_rps(self, seconds: int) -> np.ndarray:
        """The rate in each second of these steps."""
        return checked_demand(np.repeat(self.rates_rps(seconds), self.step_s))


def overloaded_rps(rates_rps: np.ndarray, sent: np.ndarray, late: np.ndarray) -> float | None:
    """The lowest rate of a step in which more than `LATE_SHARE` of the requests were late; `None` without one.

    The arrays have the rate of each step and its numbers of sent and late requests, (steps,). Requests without an
    answer count as late.
    """
    found = rates_rps[late > LATE_SHARE * sent]
    return float(found.min()) if len(found) else None
