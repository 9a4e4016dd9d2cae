"""The Pareto frontier: dominance and ties between candidates whose figures have intervals."""

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
    """The values and interval ends (n, k) of `n` candidates in `k` metrics, negated where lower is better.

    A candidate with an unknown metric (NaN) cannot be compared: it dominates nothing, and nothing dominates it. An
    unknown interval is infinite, so nothing is surely better or worse in that metric.
    """

    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Figure | None]], better: Sequence[Better]) -> Self:
        """The points of candidates, from one row of figures for each."""
        filled = [[(np.nan, None, None) if one is None else one for one in row] for row in rows]
        table = np.array(filled, dtype=float).reshape(len(rows), len(better), 3)
        values, low, high = table[..., 0], table[..., 1], table[..., 2]
        low = np.where(np.isnan(low), -np.inf, np.minimum(low, values))
        high = np.where(np.isnan(high), np.inf, np.maximum(high, values))
        lower = np.array([one == "lower" for one in better])
        return cls(np.where(lower, -values, values), np.where(lower, -high, low), np.where(lower, -low, high))

    @property
    def comparable(self) -> NDArray[np.bool_]:
        """Whether every metric of a candidate is known: (n,)."""
        return np.asarray(np.isfinite(self.values).all(axis=1))

    def dominators(self, index: int) -> NDArray[np.bool_]:
        """Whether a candidate dominates the one at `index`: (n,).

        It is no worse in every point estimate and surely better in at least one metric. That is a strict order on point
        estimates, so dominance has no cycles.
        """
        no_worse = (self.values >= self.values[index]).all(axis=1)
        return no_worse & (self.low > self.high[index]).any(axis=1)  # type: ignore[no-any-return]

    def tied_with(self, index: int) -> NDArray[np.bool_]:
        """Whether a candidate's intervals overlap in every metric with those at `index`, itself included: (n,)."""
        overlap = (self.low <= self.high[index]) & (self.high >= self.low[index])
        return overlap.all(axis=1) & self.comparable & self.comparable[index]  # type: ignore[no-any-return]


def dominated(points: Points) -> NDArray[np.bool_]:
    """Whether any other candidate dominates a candidate: (n,), in O(n log n) for two metrics and O(n²) for more."""
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
    """Whether another candidate is surely better in metric `sure` and no worse in the other of two metrics: (n,).

    Among the candidates whose interval begins above the end of this one's, the best in the other metric decides. It is
    found by bisection in the running maximum of the other metric, sorted by where the intervals begin.
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
    """The dominator of a candidate, or its ties; one that is not `ranked` has neither and is on no frontier."""

    dominated_by: str | None
    ties_with: tuple[str, ...]
    ranked: bool = True

    @property
    def on_frontier(self) -> bool:
        """Whether this candidate is ranked, and no other one dominates it."""
        return self.ranked and self.dominated_by is None


def dominances(names: Sequence[str], points: Points) -> dict[str, Dominance]:
    """Every candidate's dominator, or the frontier members with which it is tied.

    Of several dominators it is the one with the best first metric, on the frontier if possible: with intervals,
    dominance is not transitive, so every dominator may be dominated itself.
    """
    below = dominated(points)
    return {name: dominance(index, names, points, below) for index, name in enumerate(names)}


def dominance(index: int, names: Sequence[str], points: Points, below: NDArray[np.bool_]) -> Dominance:
    """The dominance of the candidate at `index`; `below` tells which candidates are dominated."""
    if below[index]:
        found = points.dominators(index)
        chosen = np.flatnonzero(found & ~below) if (found & ~below).any() else np.flatnonzero(found)
        best = int(chosen[np.argmax(points.values[chosen, 0])])
        return Dominance(names[best], ())
    tied = points.tied_with(index) & ~below
    tied[index] = False
    return Dominance(None, tuple(names[other] for other in np.flatnonzero(tied).tolist()))
