"""Shapes of the thesis's stress testers (5.2.2): constant, and steps that grow or fall, linearly or exponentially."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, takewhile

import numpy as np

from orchestrators.load.demand import checked_demand, checked_seconds
from profiler.errors import BadInputError

# A falling rate that rounding alone keeps above 0 counts as 0.
NOTHING = 1e-9


@dataclass(frozen=True)
class Step:
    """One rate held for so many seconds."""

    rate_rps: float
    seconds: int

    @property
    def demand_rps(self) -> np.ndarray:
        return np.full(self.seconds, float(self.rate_rps))


def constant(rate_rps: float, seconds: int) -> np.ndarray:
    """The same rate in each of so many seconds; raises `BadInputError` for a rate that is negative or not finite."""
    return checked_demand(np.full(checked_seconds(seconds, "a demand"), float(rate_rps)))


def linear_steps(start_rps: float, step_rps: float, seconds_per_step: int) -> Iterator[Step]:
    """`start`, `start + step`, `start + 2·step`, …: without end where the step grows, else while the rate is above 0.

    What ends growth is how the last step was answered (`experiment.overloaded`). Raises `BadInputError` where the start
    is not above 0, or the step is 0.
    """
    return steps(start_rps, step_rps, seconds_per_step, lambda k: start_rps + k * step_rps)


def exponential_steps(start_rps: float, step_rps: float, seconds_per_step: int) -> Iterator[Step]:
    """`start`, `start + step`, `start + 2·step`, `start + 4·step`, …: as `linear_steps`, with a distance that doubles.

    From 1 by 1 these are 1, 2, 3, 5, 9, 17, 33, 65 and 129 requests/s, the rates in the thesis's figures 5.5 and 5.14.
    """
    return steps(start_rps, step_rps, seconds_per_step, lambda k: start_rps + (step_rps * 2.0 ** (k - 1) if k else 0.0))


def steps(start_rps: float, step_rps: float, seconds_per_step: int, rate_rps: Callable[[int], float]) -> Iterator[Step]:
    """The steps at the rate of each number from 0 on, while it is above 0."""
    seconds = checked_seconds(seconds_per_step, "a step")
    if not (math.isfinite(start_rps) and start_rps > 0):
        raise BadInputError(f"a start of {start_rps} requests/s: steps start at a finite rate above 0")
    if not (math.isfinite(step_rps) and step_rps):
        raise BadInputError(
            f"a step of {step_rps} requests/s: it grows (above 0) or falls (below 0); constant() holds a rate"
        )
    above_0 = takewhile(lambda rate: rate > NOTHING * start_rps, map(rate_rps, count()))
    return (Step(rate, seconds) for rate in above_0)
