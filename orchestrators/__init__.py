"""Reference consumers of a published repository: planners, load, forecasts, and a simulator."""

from orchestrators.errors import Infeasible

__all__ = ["Infeasible"]
