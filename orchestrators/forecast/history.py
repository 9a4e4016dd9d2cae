"""A forecaster that is learned from the trace of an earlier time, for just as many seconds ahead as it is asked."""

from functools import cache
from pathlib import Path

import numpy as np

from orchestrators.forecast.learned import Learned, fit
from orchestrators.load import read_trace


class FromHistory:
    """Learned where it is first asked for that many seconds; raises what `fit` raises."""

    def __init__(self, history: Path | str) -> None:
        """Raises `BadInputError` where the history is no trace."""
        self._history = Path(history)
        read_trace(self._history)

    def forecast(self, demand_rps: np.ndarray, horizon_s: int) -> float:
        """The forecast of the fit for this horizon."""
        return learned(self._history, horizon_s).forecast(demand_rps, horizon_s)


@cache
def learned(history: Path, horizon_s: int) -> Learned:
    """Once for all policies that look as far ahead."""
    return fit(read_trace(history), horizon_s)
