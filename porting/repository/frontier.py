"""Which variants are worth serving: dominance between figures that carry intervals, ties said to be ties."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A figure, higher is better, with the ends of its 95 % interval (`None` where it has none)."""

    value: float
    low: float | None
    high: float | None

    def surely_above(self, other: "Metric") -> bool:
        """Whether this interval lies wholly above the other's; never, where one of them is missing."""
        return self.low is not None and other.high is not None and self.low > other.high

    def overlaps(self, other: "Metric") -> bool:
        return not self.surely_above(other) and not other.surely_above(self)


@dataclass(frozen=True)
class Candidate:
    """A variant by name, with its metrics in one order; without metrics it cannot be compared."""

    name: str
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class Place:
    """Where a candidate stands: on the frontier unless somebody dominates it."""

    dominated_by: str | None
    ties_with: tuple[str, ...]

    @property
    def on_frontier(self) -> bool:
        return self.dominated_by is None


def dominates(a: Candidate, b: Candidate) -> bool:
    """Whether `a` is no worse than `b` in every point estimate and surely better in at least one metric.

    It is a strict order on point estimates, so it cannot go in a circle.
    """
    if not a.metrics or not b.metrics:
        return False
    pairs = list(zip(a.metrics, b.metrics, strict=True))
    return all(x.value >= y.value for x, y in pairs) and any(x.surely_above(y) for x, y in pairs)


def places(candidates: Sequence[Candidate]) -> dict[str, Place]:
    """Every candidate's place among the others."""
    frontier = [b for b in candidates if not any(dominates(a, b) for a in candidates)]
    return {candidate.name: place(candidate, frontier, candidates) for candidate in candidates}


def place(candidate: Candidate, frontier: Sequence[Candidate], everyone: Sequence[Candidate]) -> Place:
    """The candidate's place: its most accurate dominator, or the frontier members that it cannot be told from.

    Where no frontier member dominates it somebody else may: with intervals, dominance is not transitive.
    """
    for better in (frontier, everyone):
        found = [other for other in better if dominates(other, candidate)]
        if found:
            return Place(max(found, key=lambda other: other.metrics[0].value).name, ())
    ties = [
        other.name
        for other in frontier
        if other.name != candidate.name
        and candidate.metrics
        and other.metrics
        and all(x.overlaps(y) for x, y in zip(candidate.metrics, other.metrics, strict=True))
    ]
    return Place(None, tuple(ties))
