"""Forecasts of the demand that a plan has to meet, from the demand in the past."""

from orchestrators.forecast.forecaster import Forecaster, LastValue, WindowedMaximum, mean_loss, peaks, pinball
from orchestrators.forecast.learned import FromHistory, Learned, fit

__all__ = [
    "Forecaster", "FromHistory", "LastValue", "Learned", "WindowedMaximum", "fit", "mean_loss", "peaks", "pinball",
]  # fmt: skip
