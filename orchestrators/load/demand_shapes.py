"""Shapes of the thesis's stress testers (5.2.2): constant, and steps that grow or fall, linearly or exponentially."""

from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from orchestrators.load.demand import checked_demand, checked_seconds
from profiler.common.errors import BadInputError
from profiler.records.base import Value

# As a share of the first rate: a falling rate that only rounding keeps above 0 counts as 0.
NOTHING = 1e-9
# The thesis's stress tests end where "significantly" many requests are late, without a figure (5.2.2).
LATE_SHARE = 0.1


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
