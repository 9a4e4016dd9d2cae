"""The solver of all integer programs: HiGHS through `scipy.optimize.milp`.

Presolve is off: with it HiGHS called solutions optimal that enumeration improved. The relative gap is 0. Costs are
scaled so that the absolute gap of 1e-6, which scipy cannot change, is small compared with the largest cost. Integer
values of a solution are rounded, and every bound and row is checked again.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from profiler.common.errors import DnnPortingError

LARGEST_COST, TOLERANCE = 1e3, 1e-6
OPTIMAL, INFEASIBLE = 0, 2


class Row(NamedTuple):
    """The constraint `low` <= Σ coefficient × variable <= `high`, with coefficients by the variable's index."""

    coefficients: Mapping[int, float]
    low: float = -math.inf
    high: float = math.inf


def minimise(
    costs: Sequence[float], rows: Sequence[Row], upper: Sequence[float], whole: Sequence[bool] | None = None
) -> list[float] | None:
    """The x with 0 <= x <= `upper` of least cost within all rows; `None` where there is none.

    Variables that `whole` marks are integers; by default none is. Raises `DnnPortingError` where the solver fails for
    another reason than infeasibility, or its solution breaks a row.
    """
    if not costs:
        return [] if all(row.low <= 0 <= row.high for row in rows) else None
    marked = [False] * len(costs) if whole is None else whole
    result = solved(costs, rows, upper, marked)
    if result.status == INFEASIBLE:
        return None
    if result.status != OPTIMAL:
        raise DnnPortingError(f"HiGHS stopped ({result.message}): scale the problem, or give every variable a bound")
    found = [float(round(x)) if exactly else float(x) for x, exactly in zip(result.x, marked, strict=True)]
    check(found, rows, upper)
    return [min(max(value, 0.0), most) for value, most in zip(found, upper, strict=True)]


def solved(costs: Sequence[float], rows: Sequence[Row], upper: Sequence[float], whole: Sequence[bool]) -> Any:
    """The result of scipy."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    scale = LARGEST_COST / (max(map(abs, costs)) or LARGEST_COST)
    ends = np.cumsum([0, *(len(row.coefficients) for row in rows)])
    places = [place for row in rows for place in row.coefficients]
    values = [float(value) for row in rows for value in row.coefficients.values()]
    matrix = csr_array((values, places, ends), shape=(len(rows), len(costs)))
    within = LinearConstraint(matrix, [row.low for row in rows], [row.high for row in rows])
    return milp(
        scale * np.asarray(costs, dtype=float),
        integrality=np.asarray(whole, dtype=int),
        bounds=Bounds(0, np.asarray(upper, dtype=float)),
        constraints=within if rows else None,
        options={"presolve": False, "mip_rel_gap": 0.0},
    )


def check(x: Sequence[float], rows: Sequence[Row], upper: Sequence[float]) -> None:
    """Raises `DnnPortingError` for a bound or a row that `x` breaks by more than `TOLERANCE`."""
    for number, (value, most) in enumerate(zip(x, upper, strict=True)):
        if not -TOLERANCE <= value <= most + TOLERANCE * max(1.0, abs(most)):
            raise DnnPortingError(f"HiGHS returned {value:g} for variable {number}, which lies in 0 to {most:g}")
    for number, row in enumerate(rows):
        terms = [value * x[place] for place, value in row.coefficients.items()]
        total, slack = math.fsum(terms), TOLERANCE * max(1.0, *map(abs, terms), 0.0)
        if not row.low - slack <= total <= row.high + slack:
            raise DnnPortingError(f"HiGHS broke row {number}: {total:g} is not in {row.low:g} to {row.high:g}")
