"""Which variants are worth serving: dominance between figures that carry intervals, ties said to be ties."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from porting.repository.schema import Figure

Better = Literal["higher", "lower"]
BLOCK = 256


@dataclass(frozen=True)
class Points:
    """`n` candidates with `k` metrics each, turned so that higher is better: (n, k) values and interval ends.

    A candidate of which a metric is unknown (NaN) cannot be compared: it dominates nothing, and nothing dominates it.
    An interval that is unknown is without end, so that nothing is surely better or worse by it.
    """

    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Figure | None]], better: Sequence[Better]) -> Self:
        """From one row of figures for each candidate."""
        filled = [[(np.nan, None, None) if one is None else one for one in row] for row in rows]
        table = np.array(filled, dtype=float).reshape(len(rows), len(better), 3)
        values, low, high = table[..., 0], table[..., 1], table[..., 2]
        low = np.where(np.isnan(low), -np.inf, np.minimum(low, values))
        high = np.where(np.isnan(high), np.inf, np.maximum(high, values))
        lower = np.array([one == "lower" for one in better])
        return cls(np.where(lower, -values, values), np.where(lower, -high, low), np.where(lower, -low, high))

    @property
    def comparable(self) -> NDArray[np.bool_]:
        """Of which candidates every metric is known: (n,)."""
        return np.asarray(np.isfinite(self.values).all(axis=1))

    def dominators(self, index: int) -> NDArray[np.bool_]:
        """Who is no worse than one candidate in every point estimate and surely better in at least one metric: (n,).

        It is a strict order on point estimates, so it cannot go in a circle.
        """
        no_worse = (self.values >= self.values[index]).all(axis=1)
        return no_worse & (self.low > self.high[index]).any(axis=1)  # type: ignore[no-any-return]

    def tied_with(self, index: int) -> NDArray[np.bool_]:
        """Whose intervals overlap those of one candidate in every metric, itself included: (n,)."""
        overlap = (self.low <= self.high[index]) & (self.high >= self.low[index])
        return overlap.all(axis=1) & self.comparable & self.comparable[index]  # type: ignore[no-any-return]


def dominated(points: Points) -> NDArray[np.bool_]:
    """Which candidates another one dominates: (n,). Two metrics take n log n, more take n²."""
    if points.values.shape[1] == 2:
        return dominated_in(points, 0) | dominated_in(points, 1)
    found = np.zeros(len(points.values), dtype=bool)
    for start in range(0, len(found), BLOCK):
        block = slice(start, start + BLOCK)
        no_worse = (points.values[:, None] >= points.values[None, block]).all(axis=2)
        surely_better = (points.low[:, None] > points.high[None, block]).any(axis=2)
        found[block] = (no_worse & surely_better).any(axis=0)
    return found


def dominated_in(points: Points, sure: int) -> NDArray[np.bool_]:
    """Which of two-metric candidates have another one surely above them in metric `sure` and no worse in the other.

    Of those whose interval begins above a candidate's end, the best in the other metric decides; it is found in the
    staircase of all that are the best in the other metric among those that begin where they do or higher.
    """
    low, other = points.low[:, sure], points.values[:, 1 - sure]
    able = np.flatnonzero(points.comparable)
    order = able[np.argsort(-low[able])]
    best = np.maximum.accumulate(other[order])
    steps = np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)
    begins, reaches = low[order][steps], np.concatenate([[-np.inf], best[steps]])
    above = np.searchsorted(-begins, -points.high[:, sure], side="left")
    return points.comparable & (reaches[above] >= other)


@dataclass(frozen=True)
class Dominance:
    """Where a candidate stands: on the frontier unless somebody dominates it."""

    dominated_by: str | None
    ties_with: tuple[str, ...]

    @property
    def on_frontier(self) -> bool:
        return self.dominated_by is None


def dominances(names: Sequence[str], points: Points) -> dict[str, Dominance]:
    """Every candidate's place: its dominator, or the frontier members that it cannot be told from.

    The dominator is the one best in the first metric on the frontier, or else anywhere: with intervals, dominance is
    not transitive.
    """
    below = dominated(points)
    return {name: dominance(index, names, points, below) for index, name in enumerate(names)}


def dominance(index: int, names: Sequence[str], points: Points, below: NDArray[np.bool_]) -> Dominance:
    if below[index]:
        found = points.dominators(index)
        chosen = np.flatnonzero(found & ~below) if (found & ~below).any() else np.flatnonzero(found)
        best = int(chosen[np.argmax(points.values[chosen, 0])])
        return Dominance(names[best], ())
    tied = points.tied_with(index) & ~below
    tied[index] = False
    return Dominance(None, tuple(names[other] for other in np.flatnonzero(tied).tolist()))
