"""How good a forecast is: by the pinball loss, which is least for the asked quantile of what is foreseen.

With quantile τ, a forecast that is 1 request/s below the peak costs τ, one that is 1 request/s above it 1 − τ (Koenker
and Bassett, Regression Quantiles, Econometrica 46(1), 1978).
"""

import numpy as np

from orchestrators.forecast.forecaster import Forecaster
from orchestrators.load.demand import checked_demand, checked_seconds
from profiler.common.errors import BadInputError


def peaks(demand_rps: np.ndarray, horizon_s: int) -> np.ndarray:
    """The highest of the `horizon_s` seconds from each second on, (seconds − horizon_s + 1,)."""
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
    """The mean loss where the forecaster is asked after every second from `start_s` on, and sees all before it.

    The demand before `start_s` is seen, and not judged. Raises `BadInputError` where no second is left to judge.
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
