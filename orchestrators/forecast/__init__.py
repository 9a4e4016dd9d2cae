"""Forecasts of the demand that a plan has to meet, from the demand that was seen so far."""

from orchestrators.forecast.forecaster import Forecaster
from orchestrators.forecast.history import FromHistory
from orchestrators.forecast.learned import Learned, fit
from orchestrators.forecast.loss import mean_loss, peaks, pinball
from orchestrators.forecast.simple import LastValue, WindowedMaximum

__all__ = [
    "Forecaster",
    "FromHistory",
    "LastValue",
    "Learned",
    "WindowedMaximum",
    "fit",
    "mean_loss",
    "peaks",
    "pinball",
]
