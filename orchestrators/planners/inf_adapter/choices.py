"""The choices of cores as arrays: rows are variants, the most accurate first, and columns are choices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrators.planners.inf_adapter.problem import Problem, Variant
from orchestrators.solver import Row, minimise

# Shares of α + β + γ: the difference of equal objectives, and the error of rounding.
EQUAL, ROUNDING = 1e-9, 1e-12
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Choices:
    """The choices of all variants; the first column means no cores.

    Rows with fewer choices repeat the first column, and are not `real` there. `share` is the capacity over the demand,
    at most 1. `worth` is α · accuracy of a variant, `load` its load time over the longest of all. `price` is the cost
    of a core, raised by a billionth so that of equal plans the one with the fewest cores is better. A difference up to
    `rounding` means nothing.
    """

    names: list[str]
    worth: Floats
    load: Floats
    cores: Ints
    share: Floats
    changed: Bools
    real: Bools
    budget: int
    price: float
    gamma: float
    rounding: float


def choices(problem: Problem) -> Choices:
    """The choices that an optimal plan can make."""
    found = problem.ordered
    rows = [row(problem, one) for one in found]
    width = max(map(len, rows))
    cores, share, changed = (np.array([[*column, *[column[0]] * (width - len(column))] for column in columns])
                             for columns in zip(*(zip(*one, strict=True) for one in rows), strict=True))  # fmt: skip
    load_s = np.array([one.load_time_s for one in found])
    scale = problem.alpha + problem.beta + problem.gamma or 1.0
    return Choices(
        names=[one.name for one in found],
        worth=problem.alpha * np.array([one.accuracy for one in found]),
        load=load_s / (load_s.max() or 1.0),
        cores=cores.astype(np.int64),
        share=share.astype(np.float64),
        changed=changed.astype(np.bool_),
        real=np.arange(width) < np.array([[len(one)] for one in rows]),
        budget=min(problem.max_cores, int(cores.max(axis=1).sum())),
        price=(problem.beta + EQUAL * scale) / problem.max_cores,
        gamma=problem.gamma,
        rounding=ROUNDING * scale,
    )


def row(problem: Problem, variant: Variant) -> list[tuple[int, float, bool]]:
    """The cores, share of the demand and change of each choice, without cores that add no capacity."""
    found, best = [(0, 0.0, False)], 0.0
    held = problem.previous.get(variant.name, 0)
    for cores, rate in sorted(variant.capacity_rps.items()):
        share = min(rate / problem.demand_rps, 1.0)
        carries_more = share > best or (share > 0 and cores == held)
        if problem.min_cores <= cores <= problem.max_cores and carries_more:
            found.append((cores, share, cores != held))
            best = max(best, share)
    return found


def most(found: Choices) -> Floats:
    """The largest share of the demand that the variants from each row on carry, by their total of cores."""
    rows = len(found.names)
    table = np.zeros((rows + 1, found.budget + 1))
    left = np.arange(found.budget + 1)[:, None] - found.cores[:, None, :]
    for number in reversed(range(rows)):
        gained = table[number + 1][np.maximum(left[number], 0)] + found.share[number]
        table[number] = np.where(left[number] >= 0, gained, 0.0).max(axis=1)
    return table


def best(found: Choices, allowed: Sequence[Iterable[int]]) -> dict[str, int] | None:
    """The cores of every used variant by name; `None` where no plan of `allowed` columns meets the demand.

    In shares of the demand: Σ quota = 1, quota_m ≤ Σ_n share_m(n) · x_mn, Σ_n x_mn ≤ 1, Σ n · x_mn ≤ B, and
    longest ≥ load_m · Σ x_mn over the choices that are a change.
    """
    # Variable 0 is the longest load time, and each variant has its quota and its choices after it.
    longest, costs, whole = 0, [found.gamma], [False]
    rows: list[Row] = []
    budget: dict[int, float] = {}
    demand: dict[int, float] = {}
    picked: dict[int, tuple[str, int]] = {}
    for row, columns in enumerate(allowed):
        if not set(columns) - {0}:
            continue
        quota = len(costs)
        costs.append(-float(found.worth[row]))
        whole.append(False)
        carried, loaded = {quota: 1.0}, {longest: -1.0}
        taken: dict[int, float] = {}
        for column in sorted(set(columns) - {0}):
            cores = int(found.cores[row, column])
            x = len(costs)
            costs.append(found.price * cores)
            whole.append(True)
            picked[x] = found.names[row], cores
            taken[x], budget[x], carried[x] = 1.0, float(cores), -float(found.share[row, column])
            if found.changed[row, column]:
                loaded[x] = float(found.load[row])
        demand[quota] = 1.0
        rows += [Row(taken, 0.0 if 0 in columns else 1.0, 1.0), Row(carried, high=0.0), Row(loaded, high=0.0)]
    rows += [Row(budget, high=float(found.budget)), Row(demand, low=1.0, high=1.0)]
    solution = minimise(costs, rows, [1.0] * len(costs), whole)
    return None if solution is None else {name: cores for x, (name, cores) in picked.items() if solution[x]}
