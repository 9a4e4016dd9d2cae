"""Shapes of the thesis's stress testers (5.2.2): constant, and steps that grow or fall, linearly or exponentially."""

from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from orchestrators.load.demand import checked_demand, checked_seconds
from profiler.common.errors import BadInputError
from profiler.records.base import Value

# A falling rate that rounding alone keeps above 0 counts as 0.
NOTHING = 1e-9
LATE_SHARE = 0.1


def constant(rate_rps: float, seconds: int) -> np.ndarray:
    """The same rate in each of so many seconds; raises `BadInputError` for a rate that is negative or not finite."""
    return checked_demand(np.full(checked_seconds(seconds, "a demand"), float(rate_rps)))


class Steps(Value):
    """Rates from `start_rps` on, each held for `step_s`.

    linear: `start`, `start + growth`, `start + 2·growth`, …; exponential: the same with a distance that doubles,
    `start`, `start + growth`, `start + 2·growth`, `start + 4·growth`, …; from 1 by 1 these are 1, 2, 3, 5, 9, 17, 33,
    65 and 129 requests/s, the rates in the thesis's figures 5.5 and 5.14. Below 0 the growth is a fall, which ends
    where the rate is no longer above 0.
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
        """The rate of every step that ends within so many seconds, (steps,); raises `BadInputError` where none does."""
        if seconds < self.step_s:
            raise BadInputError(f"seconds={seconds}: one step takes {self.step_s} s, give at least as many")
        number = np.arange(seconds // self.step_s, dtype=float)
        # Rates beyond all floats become infinite, and are no demand.
        with np.errstate(over="ignore"):
            distance = number if self.shape == "linear" else np.where(number > 0, np.exp2(number - 1), 0.0)
            rates: np.ndarray = self.start_rps + self.growth_rps * distance
        ended = np.flatnonzero(rates <= NOTHING * self.start_rps)
        return rates[: ended[0]] if len(ended) else rates

    def demand_rps(self, seconds: int) -> np.ndarray:
        """The rate in each second of these steps."""
        return checked_demand(np.repeat(self.rates_rps(seconds), self.step_s))


def overloaded_rps(rates_rps: np.ndarray, sent: np.ndarray, late: np.ndarray) -> float | None:
    """The lowest rate of a step in which more than `LATE_SHARE` of what was sent was late; None where there is none.

    Of each step its rate, and how many requests were sent and late, (steps,).
    """
    found = rates_rps[late > LATE_SHARE * sent]
    return float(found.min()) if len(found) else None
