"""What a planner says where no plan meets its constraints."""

from profiler.common.errors import DnnPortingError


class Infeasible(DnnPortingError):  # noqa: N818
    """No plan meets every constraint; the message names the one that binds, by how much, and what would help."""
