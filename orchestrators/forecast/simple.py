"""Forecasts that learn nothing."""

import numpy as np
from pydantic import Field

from orchestrators.forecast.forecaster import recent
from profiler.records.base import Value


class LastValue(Value):
    """The last second again. Where demand stays as it is, about nine of ten peaks over 10 s are above it."""

    def forecast(self, demand_rps: np.ndarray, horizon_s: int) -> float:
        """The demand of the last second."""
        return float(recent(demand_rps, 1, horizon_s)[-1])


class WindowedMaximum(Value):
    """The highest of the last `window_s` seconds, and `margin` of it on top (0.1 is 10 %), whatever the horizon."""

    window_s: int = Field(default=60, ge=1)
    margin: float = Field(default=0.1, gt=-1)

    def forecast(self, demand_rps: np.ndarray, horizon_s: int) -> float:
        """The maximum of the window plus the margin."""
        return float((1 + self.margin) * recent(demand_rps, self.window_s, horizon_s).max())
