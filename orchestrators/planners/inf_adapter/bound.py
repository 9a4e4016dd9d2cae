"""An upper bound on the objective of all plans, and of plans that extend a partial one.

The prices μ of demand and ν of the budget move the constraints between variants into the objective. Each variant then
decides independently; a level, the longest load time, allows the changes that take no longer:

    U(μ, ν) = max over levels of  Σ_m max_n [(worth_m + μ)⁺ · share_m(n) − price · n − ν · n / B] − γ · level − μ + ν

Every μ and every ν ≥ 0 gives a bound, which is a convex function of both. The search for the lowest bound cuts through
the centroid of its possible area, which leaves at most 1 − 1/e of the area each time (Levin 1965, Newman 1965).
"""

from dataclasses import dataclass

import numpy as np

from orchestrators.planners.inf_adapter.choices import Choices, Floats, Ints

CUTS, FARTHEST = 40, 20.0


@dataclass(frozen=True)
class Bound:
    """The prices of a bound, and their results: `alone` by level and variant, `values` by variant and choice.

    `alone` is the most that a variant reaches independently. `levels` are the load times, and `level` is the index of
    each variant's own. `ahead` has, by following variant and level, the most that the variants from that one on add,
    less the cost of loading.
    """

    demand: float
    budget: float
    levels: Floats
    level: Ints
    alone: Floats
    values: Floats
    ahead: Floats

    def limits(self, found: Choices) -> Floats:
        """The bound on plans with each choice, by variant and choice."""
        others = self.alone.sum(axis=1)[:, None] - self.alone - (found.gamma * self.levels)[:, None]
        changing = np.where(found.load <= self.levels[:, None], others, -np.inf).max(axis=0)
        rest = np.where(found.changed, changing[:, None], others.max(axis=0)[:, None])
        limits: Floats = self.values + rest - self.demand + self.budget
        return limits

    def of(self, worth: Floats, share: Floats, used: Floats, level: Ints, following: int) -> Floats:
        """The bound on partial plans of this worth, share of the demand, share of the budget, and index of level."""
        shared = self.budget * (1 - used) - self.demand * (1 - share)
        limits: Floats = worth + shared + self.ahead[following][level]
        return limits


def lowest(found: Choices) -> Bound:
    """The lowest bound that the cuts find."""
    levels = np.concatenate([[0.0], np.unique(found.load)])
    farthest, least = FARTHEST * (found.worth.max() + found.price * found.budget), -found.worth.max()
    area = np.array([[least, 0.0], [farthest, 0.0], [farthest, farthest], [least, farthest]])
    best, at = np.inf, area[0]
    for _ in range(CUTS):
        point = centroid(area)
        value, slope = relaxed(found, levels, point)
        if value < best:
            best, at = value, point
        area = kept(area, point, slope)
        if len(area) == 0 or not slope.any():
            break
    alone, values = each(found, levels, at)
    rest = np.vstack([np.cumsum(alone[:, ::-1], axis=1)[:, ::-1].T, np.zeros(len(levels))]) - found.gamma * levels
    return Bound(
        at[0],
        at[1],
        levels,
        np.searchsorted(levels, found.load),
        alone,
        values,
        np.maximum.accumulate(rest[:, ::-1], axis=1)[:, ::-1],
    )


def each(found: Choices, levels: Floats, prices: Floats) -> tuple[Floats, Floats]:
    """The most that variants reach independently, by level and variant, and the value of every choice."""
    served = np.maximum(found.worth + prices[0], 0.0)[:, None] * found.share
    values = served - (found.price + prices[1] / found.budget) * found.cores
    unchanged = np.where(found.changed, -np.inf, values).max(axis=1)
    return np.where(found.load <= levels[:, None], values.max(axis=1), unchanged), values


def relaxed(found: Choices, levels: Floats, prices: Floats) -> tuple[float, Floats]:
    """The bound at these prices, and its slope there."""
    alone, values = each(found, levels, prices)
    totals = alone.sum(axis=1) - found.gamma * levels
    level = int(totals.argmax())
    allowed = (found.load <= levels[level])[:, None] | ~found.changed
    row, chosen = np.arange(len(values)), np.where(allowed, values, -np.inf).argmax(axis=1)
    served = found.share[row, chosen][found.worth + prices[0] > 0].sum()
    used = found.cores[row, chosen].sum() / found.budget
    return float(totals[level] - prices[0] + prices[1]), np.array([served - 1, 1 - used])


def centroid(area: Floats) -> Floats:
    """The centroid of a convex polygon with these corners, in order."""
    following = np.roll(area, -1, axis=0)
    cross = area[:, 0] * following[:, 1] - following[:, 0] * area[:, 1]
    total = cross.sum()
    middle: Floats = area.mean(axis=0) if abs(total) < np.finfo(float).tiny else (
        ((area + following) * cross[:, None]).sum(axis=0) / (3 * total)
    )  # fmt: skip
    return middle


def kept(area: Floats, point: Floats, slope: Floats) -> Floats:
    """The part of a convex polygon where a convex function with this slope at the point can be lower."""
    sides, corners = (area - point) @ slope, []
    for number, side in enumerate(sides):
        following = (number + 1) % len(area)
        if side <= 0:
            corners.append(area[number])
        if side * sides[following] < 0:
            share = side / (side - sides[following])
            corners.append(area[number] + share * (area[following] - area[number]))
    return np.array(corners)
