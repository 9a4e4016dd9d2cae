"""What a planner asks for: one rate that its plan has to meet."""

from typing import Protocol

import numpy as np

from orchestrators.load.demand import checked_demand, checked_seconds
from profiler.common.errors import BadInputError


class Forecaster(Protocol):
    """Foresees the peak of the demand: the highest of the next `horizon_s` seconds.

    `demand_rps` (seconds,) holds the requests of every whole second seen so far, the last one last; at least one. The
    answer is a finite rate of at least 0 in requests/s, to be compared with
    `max(demand_rps[now], …, demand_rps[now + horizon_s - 1])`, whose first second is the one after the last seen. How
    often that may be above the answer is the forecaster's own matter, and its docstring says it. The same demand gives
    the same answer. Raises `BadInputError` where nothing was seen, for rates that are no demand, and for a horizon that
    is no whole number of at least 1 s.
    """

    def forecast(self, demand_rps: np.ndarray, horizon_s: int) -> float:
        """The foreseen peak in requests/s."""


def recent(demand_rps: np.ndarray, window_s: int, horizon_s: int) -> np.ndarray:
    """The last `window_s` seconds, or as many as there are; raises what a forecaster raises."""
    checked_seconds(horizon_s, "a horizon")
    if not len(demand_rps):
        raise BadInputError("no demand was seen yet: a forecast needs at least one second of it")
    return checked_demand(demand_rps[-window_s:])
