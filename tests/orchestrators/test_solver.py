"""The door to HiGHS: what it answers is optimal, whole where it has to be, and looked through again."""

import math
import random
from itertools import product
from types import SimpleNamespace

import pytest

from orchestrators import solver
from orchestrators.solver import OPTIMAL, Row, check, minimise
from profiler.common.errors import DnnPortingError


def random_program(draw: random.Random) -> tuple[list[float], list[Row], list[int]]:
    """Whole coefficients, so that rows are often met to the point; some programs have no solution."""
    upper = [draw.randint(1, 3) for _ in range(draw.randint(1, 4))]
    rows = []
    for _ in range(draw.randint(0, 3)):
        coefficients = {place: float(draw.randint(-3, 5)) for place in range(len(upper)) if draw.random() < 0.8}
        low = draw.choice((-math.inf, float(draw.randint(-4, 8))))
        high = draw.choice((math.inf, float(draw.randint(0, 9)) if low == -math.inf else low + draw.randint(0, 4)))
        rows.append(Row(coefficients, low, high))
    return [float(draw.randint(-5, 5)) for _ in upper], rows, upper


def enumerated(costs: list[float], rows: list[Row], upper: list[int]) -> float | None:
    """The least cost of all whole values within the rows."""
    possible = [
        sum(cost * x for cost, x in zip(costs, values, strict=True))
        for values in product(*(range(most + 1) for most in upper))
        if all(row.low <= sum(c * values[place] for place, c in row.coefficients.items()) <= row.high for row in rows)
    ]
    return min(possible, default=None)


def test_the_cheapest_within_all_rows() -> None:
    assert minimise([1, 2], [Row({0: 1, 1: 1}, low=3)], upper=[2, 5]) == pytest.approx([2, 1])


def test_whole_variables_are_exactly_whole() -> None:
    row = Row({0: 3.0, 1: 1.0}, low=4.0)
    assert minimise([1, 1], [row], upper=[9, 9]) == pytest.approx([4 / 3, 0])
    assert minimise([1, 1], [row], upper=[9, 9], whole=[True, True]) in ([2.0, 0.0], [1.0, 1.0])


def test_a_whole_variable_that_the_solver_rounds_is_rounded_back(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = SimpleNamespace(status=OPTIMAL, x=[1.9999999, 1.9999999])
    monkeypatch.setattr(solver, "solved", lambda *_: answer)
    assert minimise([1, 1], [], upper=[3, 3], whole=[True, False]) == [2.0, 1.9999999]


def test_a_program_without_solution_that_the_presolve_of_highs_fails_on_has_none() -> None:
    rows = [Row({0: -2.0}, low=-4.0, high=-1.0), Row({0: 4.0, 1: 5.0, 2: 2.0}, low=7.0, high=7.0), Row({0: -2.0})]
    assert minimise([5.0, 1.0, -3.0], rows, upper=[3, 3, 1], whole=[True] * 3) is None


def test_there_is_none_where_rows_contradict_each_other() -> None:
    assert minimise([1, 2], [Row({0: 1, 1: 1}, low=8)], upper=[2, 5], whole=[True, True]) is None
    assert minimise([0], [Row({0: 2.0}, low=1, high=1)], upper=[1], whole=[True]) is None


def test_nothing_to_decide_is_within_the_rows_or_is_not() -> None:
    assert minimise([], [Row({}, high=1)], upper=[]) == []
    assert minimise([], [Row({}, low=1)], upper=[]) is None


def test_a_failure_other_than_infeasibility_is_raised() -> None:
    with pytest.raises(DnnPortingError, match=r"unbounded.*give every variable a bound"):
        minimise([-1], [], upper=[math.inf])


def test_differences_of_a_billionth_of_the_largest_cost_still_count() -> None:
    one = Row({0: 1, 1: 1}, low=1)
    assert minimise([1, 1 - 1e-8], [one], upper=[1, 1], whole=[True, True]) == [0, 1]
    assert minimise([1 - 1e-8, 1], [one], upper=[1, 1], whole=[True, True]) == [1, 0]


def test_an_answer_that_breaks_a_row_or_a_bound_is_refused() -> None:
    with pytest.raises(DnnPortingError, match="broke row 0: 2 is not in -inf to 1"):
        check([2.0], [Row({0: 1}, high=1)], upper=[3])
    with pytest.raises(DnnPortingError, match="returned 4 for variable 0, which lies in 0 to 3"):
        check([4.0], [], upper=[3])


def test_it_agrees_with_enumeration_on_random_programs() -> None:
    draw, infeasible = random.Random(0), 0  # noqa: S311
    for _ in range(300):
        costs, rows, upper = random_program(draw)
        best = enumerated(costs, rows, upper)
        found = minimise(costs, rows, upper, [True] * len(upper))
        infeasible += best is None
        assert (found is None) == (best is None), (costs, rows, upper)
        if found is not None:
            assert sum(cost * x for cost, x in zip(costs, found, strict=True)) == best, (costs, rows, upper)
    assert 30 < infeasible < 220
