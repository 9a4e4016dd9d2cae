"""Reference consumers of a published repository: planners, load, forecasts, a simulator, live servers."""

from orchestrators.deployment import Infeasible

__all__ = ["Infeasible"]
