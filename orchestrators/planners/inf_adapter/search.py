"""The search for the choices of the best plan, which extends partial plans by one variant after the other.

The most accurate variant comes first, so the quotas follow: each variant serves as much as it can of the remaining
demand. A partial plan is dropped where

* the remaining variants cannot carry the rest of the demand with the remaining cores,
* its bound is below a found plan, or
* another one with the same cores and the same level of load times serves at least as much, and is worth at least as
  much even if the next variant served the difference.

The first walk keeps only a few plans, those of the highest bounds, to find a good one. Walks widen until one drops
nothing that could be better than the best found plan, which is then the best of all.
"""

from dataclasses import dataclass

import numpy as np

from orchestrators.planners.inf_adapter.bound import Bound, lowest
from orchestrators.planners.inf_adapter.choices import ROUNDING, Bools, Choices, Floats, Ints, most

WIDTH, WIDER = 64, 16


@dataclass(frozen=True)
class Partial:
    """Partial plans: their cores, share, worth and level, the parent that each extends, and its last choice."""

    cores: Ints
    share: Floats
    worth: Floats
    level: Ints
    parent: Ints
    choice: Ints

    def only(self, which: Bools | Ints) -> "Partial":
        """The chosen ones of the partial solutions."""
        return Partial(*(column[which] for column in vars(self).values()))


def narrowed(found: Choices) -> list[set[int]]:
    """The columns that a best plan chooses, by variant; of equal plans those of the first one found."""
    bound, carried, floor, width = lowest(found), most(found), -np.inf, WIDTH
    while True:
        walk = Walk(found, bound, carried, floor, width)
        if walk.left_out == 0:
            return walk.chosen()
        floor, width = walk.floor, WIDER * width


class Walk:
    """A search over the plans that reach `floor`, of which it keeps the `width` with the highest bounds.

    `floor` rises to the objective of the best complete plan. Variants without cores in such plans are skipped.
    """

    def __init__(self, found: Choices, bound: Bound, carried: Floats, floor: float, width: int) -> None:
        self.found, self.bound, self.carried = found, bound, carried
        self.floor, self.width, self.left_out = floor, width, 0
        worthwhile = (bound.limits(found) >= floor - found.rounding) & found.real
        self.rows = [int(row) for row in np.flatnonzero(worthwhile[:, 1:].any(axis=1))]
        zero, first = np.zeros(1), np.zeros(1, dtype=np.int64)
        self.steps = [Partial(first, zero, zero, first, first, first)]
        # The best complete plan: its objective, its last step, the parent of that step, and its choice.
        self.best, self.end = -np.inf, (0, 0, 0)
        for row, following in zip(self.rows, [*self.rows[1:], len(found.names)], strict=True):
            wider = extended(found, self.steps[-1], row, np.flatnonzero(worthwhile[row]), int(bound.level[row]))
            self.steps.append(self.open(wider, following))

    def open(self, wider: Partial, following: int) -> Partial:
        """The partial plans to extend; notes the best complete plan."""
        found, full = self.found, wider.share >= 1 - ROUNDING
        reached = np.where(full, wider.worth - found.gamma * self.bound.levels[wider.level], -np.inf)
        if reached.max(initial=-np.inf) > self.best + found.rounding:
            place = int(reached.argmax())
            self.end = len(self.steps) - 1, int(wider.parent[place]), int(wider.choice[place])
            self.best, self.floor = float(reached[place]), max(self.floor, float(reached[place]))
        limits = self.bound.of(wider.worth, wider.share, wider.cores / found.budget, wider.level, following)
        feasible = wider.share + self.carried[following][found.budget - wider.cores] >= 1 - ROUNDING
        places = np.flatnonzero(~full & feasible & (limits >= self.floor - found.rounding))
        if len(places) > self.width:
            self.left_out += len(places) - self.width
            places = places[np.argsort(-limits[places], kind="stable")[: self.width]]
        onward = wider.only(places)
        return onward.only(undominated(onward, found.worth[following])) if len(places) else onward

    def chosen(self) -> list[set[int]]:
        """The choice of the best complete plan for each variant; no cores for variants that it did not reach."""
        columns = [{0} for _ in self.found.names]
        last, parent, choice = self.end
        for step in range(last, -1, -1):
            columns[self.rows[step]] = {choice}
            parent, choice = int(self.steps[step].parent[parent]), int(self.steps[step].choice[parent])
        return columns


def extended(found: Choices, partial: Partial, row: int, columns: Ints, level: int) -> Partial:
    """Every plan with each of these choices of the next variant, within the budget."""
    parent, choice = (grid.ravel() for grid in np.meshgrid(np.arange(len(partial.cores)), columns, indexing="ij"))
    cores = partial.cores[parent] + found.cores[row, choice]
    fitting = cores <= found.budget
    parent, choice, cores = parent[fitting], choice[fitting], cores[fitting]
    share = np.minimum(partial.share[parent] + found.share[row, choice], 1.0)
    served = found.worth[row] * (share - partial.share[parent])
    worth = partial.worth[parent] + served - found.price * found.cores[row, choice]
    reached = np.where(found.changed[row, choice], np.maximum(partial.level[parent], level), partial.level[parent])
    return Partial(cores, share, worth, reached, parent, choice)


def undominated(partial: Partial, next_worth: float) -> Ints:
    """The plans that no other with the same cores and level equals, for any continuation."""
    kept_back = partial.worth - next_worth * partial.share
    order = np.lexsort((-kept_back, -partial.share, partial.level, partial.cores))
    differs = (np.diff(partial.cores[order]) != 0) | (np.diff(partial.level[order]) != 0)
    group = np.concatenate([[0], np.cumsum(differs)])
    # Ranks replace values: with the number of the group added, one running maximum serves all groups.
    rank = np.searchsorted(np.unique(kept_back), kept_back)[order] + group * (len(order) + 1)
    best = np.concatenate([[-1], np.maximum.accumulate(rank)[:-1]])
    places: Ints = order[rank > best]
    return places
