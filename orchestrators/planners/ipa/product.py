"""An exact search for the best plan where accuracy is the product over stages.

Logarithms would make the product a sum, but not the objective, which has costs. Partial plans are extended stage by
stage. One is dropped where even the quickest rest is too late, where its bound is below a found plan, or where another
is no slower, no costlier and no less accurate. The first walk keeps only a few plans, those of the highest bounds, to
find a good one. Walks widen until one drops nothing that could be better than the best found plan, which is then the
best of all.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrators.planners.ipa.envelope import Bound, Choices, Floats, Ints, lowest
from orchestrators.planners.ipa.options import Option, undominated
from orchestrators.planners.ipa.problem import Problem

WIDTH, WIDER, ROUNDING = 64, 16, 1e-12


@dataclass(frozen=True)
class Partial:
    """Partial plans: their accuracy, cost and time, the parent that each extends, and its last choice."""

    accuracy: Floats
    cost: Floats
    time: Floats
    parent: Ints
    choice: Ints

    def only(self, which: Ints) -> "Partial":
        """The chosen ones of the partial solutions."""
        return Partial(*(column[which] for column in vars(self).values()))


def best(problem: Problem, stages: Sequence[Sequence[Option]]) -> list[Option] | None:
    """The options of the best plan, one for each stage, of equal plans the quickest; `None` where none is in time."""
    kept = [undominated(offered, lambda one: (one.accuracy, -one.cost)) for offered in stages]
    quickest = np.cumsum([0.0, *(offered[0].time_ms for offered in reversed(kept))])[::-1]
    if quickest[0] > problem.deadline_ms * (1 + ROUNDING):
        return None
    columns = [Choices(*(np.array(column) for column in zip(*map(figures, offered), strict=True))) for offered in kept]
    bound = lowest(columns, problem.alpha, problem.deadline_ms)
    floor, width = -np.inf, WIDTH
    while True:
        walk = Walk(problem, columns, bound, quickest, floor, width)
        if walk.left_out == 0:
            return [offered[place] for offered, place in zip(kept, walk.chosen(), strict=True)]
        floor, width = float(walk.worth.max()), WIDER * width


def figures(one: Option) -> tuple[float, float, float]:
    """Accuracy, cost and time (ms) of an option."""
    return one.accuracy, one.cost, one.time_ms


class Walk:
    """A search over the plans that reach `floor`, of which it keeps the `width` with the highest bounds."""

    def __init__(
        self, problem: Problem, stages: Sequence[Choices], bound: Bound, quickest: Floats, floor: float, width: int
    ) -> None:
        self.alpha, self.left_out = problem.alpha, 0
        self.rounding = ROUNDING * (problem.alpha + sum(float(one.cost.max()) for one in stages))
        zero, first = np.zeros(1), np.zeros(1, dtype=np.int64)
        self.steps = [Partial(np.ones(1), zero, zero, first, first)]
        for number, stage in enumerate(stages, start=1):
            wider = extended(self.steps[-1], stage)
            adding, _ = bound.ahead[number].at(problem.alpha * wider.accuracy)
            limits = adding - wider.cost + bound.price * (problem.deadline_ms - wider.time)
            in_time = wider.time + quickest[number] <= problem.deadline_ms * (1 + ROUNDING)
            places = np.flatnonzero(in_time & (limits >= floor - self.rounding))
            if len(places) > width:
                self.left_out += len(places) - width
                places = places[np.argsort(-limits[places], kind="stable")[:width]]
            self.steps.append(leading(wider.only(places)))

    @property
    def worth(self) -> Floats:
        """The objective of every complete plan."""
        return self.alpha * self.steps[-1].accuracy - self.steps[-1].cost

    def chosen(self) -> list[int]:
        """The index of the best plan's option in each stage, of equal plans that of the quickest."""
        equal = np.flatnonzero(self.worth >= self.worth.max() - self.rounding)
        place, found = int(equal[self.steps[-1].time[equal].argmin()]), []
        for step in reversed(self.steps[1:]):
            found.append(int(step.choice[place]))
            place = int(step.parent[place])
        return found[::-1]


def extended(partial: Partial, stage: Choices) -> Partial:
    """Every plan with every option of the next stage."""
    parent, choice = (grid.ravel() for grid in np.indices((len(partial.time), len(stage.time))))
    return Partial(
        partial.accuracy[parent] * stage.accuracy[choice],
        partial.cost[parent] + stage.cost[choice],
        partial.time[parent] + stage.time[choice],
        parent,
        choice,
    )


def leading(partial: Partial) -> Partial:
    """The plans that no other equals in time, cost and accuracy at once, the quickest first."""
    kept: list[int] = []
    # The cost-accuracy front of the plans so far, by rising cost and accuracy.
    costs: list[float] = []
    accuracies: list[float] = []
    for place in map(int, np.lexsort((-partial.accuracy, partial.cost, partial.time))):
        cost, accuracy = float(partial.cost[place]), float(partial.accuracy[place])
        at = bisect_right(costs, cost)
        if at and accuracies[at - 1] >= accuracy:
            continue
        end = at
        while end < len(costs) and accuracies[end] <= accuracy:
            end += 1
        start = at - 1 if at and costs[at - 1] == cost else at
        costs[start:end], accuracies[start:end] = [cost], [accuracy]
        kept.append(place)
    return partial.only(np.array(kept, dtype=np.int64))
