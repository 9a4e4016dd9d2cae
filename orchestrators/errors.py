"""The error of a planner that finds no plan."""

from profiler.common.errors import DnnPortingError


class Infeasible(DnnPortingError):  # noqa: N818
    """No plan meets every constraint; the message names the binding one, by how much it binds, and a fix."""
