"""A forecast that is learned from a trace: the present level of the demand plus a margin that the trace determines.

On the scale of `level` the forecast is `mean + margin[w] · deviation`, where w is the window of the level. The margin
of a window is the τ quantile of (peak − mean) / deviation over the moments of the trace that chose this window (a
Mondrian conformal forecast: Vovk et al., Mondrian Confidence Machine, 2003). The scale is monotonic, so the forecast is
the τ quantile in requests/s too. Mean, deviation and margins are in units of the demand's noise, so a fit also holds
for a trace of another rate.

A window with too few moments for a quantile takes the margin of the next shorter one, whose level is less certain.
Where no shorter one has a margin, it takes the largest margin that any moment of the trace needed. Such
windows are the shortest ones, which are chosen just after a change of the demand, and changes are rare in a trace.
"""

import math
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from orchestrators.forecast.forecaster import peaks, recent
from orchestrators.forecast.level import Level, level, rate_rps, stabilised, variance
from orchestrators.load import read_trace
from orchestrators.load.demand import checked_demand
from profiler.common.errors import BadInputError
from profiler.records.base import Value

WINDOWS_S = (1, 2, 4, 8, 16, 32, 64, 128, 256)
# Earlier moments of a trace have too short a past to be typical.
START_S = 60
# The number of moments above a quantile that its estimate needs.
BEYOND = 2


class Learned(Value):
    """A fitted forecaster; its JSON (`model_dump_json`) holds the whole fit.

    The peak exceeds the forecast with a probability of about 1 − `quantile` while the demand behaves as in the trace.
    The forecast is 0 where the longest window has no request. The fit holds for its own horizon; another one raises
    `BadInputError`.
    """

    horizon_s: int = Field(ge=1)
    quantile: float = Field(gt=0, lt=1)
    usual_variance: float = Field(gt=0)
    windows_s: tuple[int, ...] = Field(min_length=1)
    margins: tuple[float, ...]

    @model_validator(mode="after")
    def a_margin_for_each_window(self) -> Self:
        """Raises `ValueError` for windows that do not grow from 1 s, and for another number of margins."""
        if self.windows_s[0] != 1 or list(self.windows_s) != sorted(set(self.windows_s)):
            raise ValueError(f"windows_s={self.windows_s}: give growing lengths in s, the first of 1 s")
        if len(self.margins) != len(self.windows_s):
            raise ValueError(f"{len(self.margins)} margins for {len(self.windows_s)} windows: give one for each")
        return self

    def forecast(self, demand_rps: np.ndarray, horizon_s: int) -> float:
        """The level of the demand plus the margin of its window, in requests/s."""
        past = recent(demand_rps, self.windows_s[-1], horizon_s)
        if horizon_s != self.horizon_s:
            raise BadInputError(
                f"horizon_s={horizon_s}: this was fitted to {self.horizon_s} s, fit one to {horizon_s} s"
            )
        if not past.any():
            return 0.0
        now = level(past, self.windows_s, self.usual_variance)
        return rate_rps(now.mean + self.margins[now.window] * now.deviation)


def fit(trace_rps: np.ndarray, horizon_s: int = 10, quantile: float = 0.95) -> Learned:
    """Learns from a trace; the same trace gives the same fit.

    Raises `BadInputError` for a trace that is too short for the quantile, or constant.
    """
    if not 0 < quantile < 1:
        raise BadInputError(f"quantile={quantile}: it lies between 0 and 1")
    trace, needed = checked_demand(trace_rps), math.ceil(BEYOND / (1 - quantile))
    if len(trace) < (least := START_S + horizon_s + needed):
        raise BadInputError(f"a trace of {len(trace)} s: the {quantile:g} quantile over {horizon_s} s needs {least} s")
    if not (usual := variance(stabilised(trace))):
        raise BadInputError(
            f"the trace is {trace[0]:g} requests/s in every second: take WindowedMaximum, or another trace"
        )
    highest = stabilised(peaks(trace, horizon_s))
    moments = range(START_S, len(highest))
    levels = [level(trace[max(0, now - WINDOWS_S[-1]) : now], WINDOWS_S, usual) for now in moments]
    found = margins(levels, highest[START_S:], quantile, needed)
    return Learned(horizon_s=horizon_s, quantile=quantile, usual_variance=usual, windows_s=WINDOWS_S, margins=found)


def margins(levels: list[Level], highest: np.ndarray, quantile: float, needed: int) -> tuple[float, ...]:
    """The margin of each window in deviations, the shortest window first."""
    means, deviations, windows = np.transpose(levels)
    distances = (highest - means) / deviations
    found = [float(distances.max())]
    for window in range(len(WINDOWS_S)):
        own = distances[windows == window]
        found.append(float(np.quantile(own, quantile)) if len(own) >= needed else found[-1])
    return tuple(found[1:])


class FromHistory:
    """Learns from the trace of an earlier time, once for each horizon; `forecast` raises the errors of `fit`."""

    def __init__(self, history: Path | str) -> None:
        """Raises `BadInputError` where the history is no trace."""
        self._history = Path(history)
        read_trace(self._history)

    def forecast(self, demand_rps: np.ndarray, horizon_s: int) -> float:
        """The forecast of the fit for this horizon."""
        return learned(self._history, horizon_s).forecast(demand_rps, horizon_s)


@cache
def learned(history: Path, horizon_s: int) -> Learned:
    """The fit of a trace for one horizon, which all policies share."""
    return fit(read_trace(history), horizon_s)
