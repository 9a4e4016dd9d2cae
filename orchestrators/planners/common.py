"""The parts that planners share: units, the base of plans, a check for unique names, and interpolation."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from orchestrators.deployment import Deployment
from profiler.records.base import Value

MS_PER_S, S_PER_HOUR = 1e3, 3600


class PlanBase(Value):
    """The base of every plan. A figure named `objective` is what the planner maximises or minimises."""

    @property
    def deployments(self) -> list[Deployment]:
        """The deployments of the plan; none for devices that stop when they are done."""
        return []


def unique(what: str, names: Iterable[str]) -> None:
    """Raises `ValueError` with the names that occur more than once."""
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise ValueError(f"{what} named twice: {', '.join(twice)}; give each a name of its own")


def interpolated(curve: Sequence[tuple[float, float]], x: float) -> float:
    """The value at x by linear interpolation; the points rise in x and enclose it."""
    for (a, below), (b, above) in pairwise(curve):
        if a <= x < b:
            return below + (x - a) / (b - a) * (above - below)
    return curve[-1][1]
