"""The form of a forecaster, two forecasters without training, and the loss by which forecasts are judged.

A forecast is judged by the pinball loss, whose minimum is the wanted quantile of the peak. With quantile τ, a forecast
that is 1 request/s below the peak costs τ, one that is 1 request/s above it 1 − τ (Koenker and Bassett, Regression
Quantiles, Econometrica 46(1), 1978).
"""

from typing import Protocol

import numpy as np
from pydantic import Field

from orchestrators.load.demand import checked_demand, checked_seconds
from profiler.common.errors import BadInputError
from profiler.records.base import Value


class Forecaster(Protocol):
    """The forecast of the peak of the demand: the highest of the next `horizon_s` seconds.

    `demand_rps` (seconds,) holds the requests of every whole second so far, in order of time, and at least one second.
    The forecast is a finite rate of at least 0 in requests/s for the peak
    `max(demand_rps[now], …, demand_rps[now + horizon_s - 1])`, where `now` is the first second that is not over. The
    docstring of each forecaster has the share of peaks above its forecast. The same demand gives the same
    forecast. Raises `BadInputError` for an empty demand, for invalid rates, and for a horizon that is no whole number
    of at least 1 s.
    """

    def forecast(self, demand_rps: np.ndarray, horizon_s: int) -> float:
        """The forecast peak in requests/s."""


def recent(demand_rps: np.ndarray, window_s: int, horizon_s: int) -> np.ndarray:
    """The last `window_s` seconds, or all where there are fewer; raises the errors of a forecaster."""
    checked_seconds(horizon_s, "a horizon")
    if not len(demand_rps):
        raise BadInputError("there is no demand yet: a forecast needs at least one second of it")
    return checked_demand(demand_rps[-window_s:])


class WindowedMaximum(Value):
    """The maximum of the last `window_s` seconds, raised by the share `margin` (0.1 is 10 %), for any horizon."""

    window_s: int = Field(default=60, ge=1)
    margin: float = Field(default=0.1, gt=-1)

    def forecast(self, demand_rps: np.ndarray, horizon_s: int) -> float:
        """The maximum of the window plus the margin."""
        return float((1 + self.margin) * recent(demand_rps, self.window_s, horizon_s).max())


class LastValue(WindowedMaximum):
    """The demand of the last second. Under constant demand about nine of ten peaks over 10 s are above it."""

    window_s: int = Field(default=1, ge=1, le=1)
    margin: float = Field(default=0.0, ge=0, le=0)


def peaks(demand_rps: np.ndarray, horizon_s: int) -> np.ndarray:
    """The maximum of the `horizon_s` seconds that begin at each second, (seconds − horizon_s + 1,)."""
    demand, horizon = checked_demand(demand_rps), checked_seconds(horizon_s, "a horizon")
    if horizon > len(demand):
        raise BadInputError(f"a horizon of {horizon} s over a demand of {len(demand)} s: give at most {len(demand)} s")
    highest: np.ndarray = np.lib.stride_tricks.sliding_window_view(demand, horizon).max(axis=1)
    return highest


def pinball(forecast_rps: np.ndarray, peak_rps: np.ndarray, quantile: float) -> np.ndarray:
    """The loss of each forecast, in requests/s."""
    missing = peak_rps - forecast_rps
    loss: np.ndarray = np.maximum(quantile * missing, (quantile - 1) * missing)
    return loss


def mean_loss(
    forecaster: Forecaster, demand_rps: np.ndarray, horizon_s: int, quantile: float, start_s: int = 1
) -> float:
    """The mean loss of one forecast for each second after `start_s`, each from the demand before it.

    The first `start_s` seconds are not judged. Raises `BadInputError` where no second is left to judge.
    """
    if not 0 < quantile < 1:
        raise BadInputError(f"quantile={quantile}: it lies between 0 and 1")
    actual = peaks(demand_rps, horizon_s)
    if not 1 <= start_s < len(actual):
        raise BadInputError(
            f"start_s={start_s}: over {len(demand_rps)} s with a horizon of {horizon_s} s give 1 to {len(actual) - 1}"
        )
    moments = range(start_s, len(actual))
    foreseen = np.array([forecaster.forecast(demand_rps[:moment], horizon_s) for moment in moments])
    return float(pinball(foreseen, actual[start_s:], quantile).mean())
