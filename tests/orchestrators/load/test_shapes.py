"""Constant demand, steps, and when a step was too much."""

import numpy as np
import pytest
from pydantic import ValidationError

from orchestrators.load import Steps, constant, overloaded_rps
from profiler.common.errors import BadInputError


def rates(shape: str, start_rps: float, growth_rps: float, count: int = 1000) -> list[float]:
    """The rates of at most `count` steps."""
    steps = Steps.model_validate({"shape": shape, "start_rps": start_rps, "growth_rps": growth_rps, "step_s": 3})
    return [float(rate_rps) for rate_rps in steps.rates_rps(3 * count)]


def test_constant_demand_is_the_same_in_every_second() -> None:
    assert constant(7.5, 3).tolist() == [7.5, 7.5, 7.5]


def test_linear_steps_grow_as_long_as_there_are_seconds() -> None:
    assert rates("linear", 1, 2) == list(range(1, 2001, 2))


def test_falling_steps_end_before_a_rate_of_0() -> None:
    """The thesis's two: from 51 by 5, which ends at 1, and from 11 by 3, which ends at 2; one that meets 0 exactly."""
    assert rates("linear", 51, -5) == list(range(51, 0, -5))
    assert rates("linear", 11, -3) == [11, 8, 5, 2]
    assert rates("linear", 6, -3) == [6, 3]


def test_a_rate_that_rounding_keeps_above_0_ends_a_fall_too() -> None:
    assert 0.3 - 3 * 0.1 != 0
    assert len(rates("linear", 0.3, -0.1)) == 3


def test_exponential_steps_double_their_distance() -> None:
    """The rates of the thesis's exponential growth, from 1 to 129 requests/s."""
    assert rates("exponential", 1, 1, count=9) == [1, 2, 3, 5, 9, 17, 33, 65, 129]
    assert rates("exponential", 10, -1) == [10, 9, 8, 6, 2]


def test_a_step_is_its_rate_in_each_of_its_seconds_and_the_last_one_is_whole() -> None:
    steps = Steps(shape="linear", start_rps=4, growth_rps=2, step_s=2)
    assert steps.demand_rps(5).tolist() == [4, 4, 6, 6]


def test_less_than_one_step_is_refused() -> None:
    with pytest.raises(BadInputError, match="seconds=29: one step takes 30 s, give at least as many"):
        Steps(shape="linear", start_rps=4, growth_rps=2, step_s=30).rates_rps(29)


def test_rates_beyond_all_numbers_are_no_demand() -> None:
    with pytest.raises(BadInputError, match="a demand of inf requests/s"):
        Steps(shape="exponential", start_rps=1, growth_rps=1, step_s=1).demand_rps(2000)


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": "quadratic"},
        {"start_rps": 0},
        {"start_rps": float("nan")},
        {"growth_rps": 0},
        {"growth_rps": float("inf")},
        {"step_s": 0},
        {"step_s": 2.5},
    ],
)
def test_steps_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    usual = {"shape": "linear", "start_rps": 1, "growth_rps": 1, "step_s": 10}
    assert Steps.model_validate(usual)
    with pytest.raises(ValidationError, match=next(iter(changes))):
        Steps.model_validate(usual | changes)


def test_a_step_is_too_much_once_more_than_a_tenth_of_its_requests_are_late() -> None:
    three, sent = np.array([1.0, 2, 3]), np.array([100.0, 100, 100])
    assert overloaded_rps(three, sent, np.array([0.0, 10, 11])) == 3
    assert overloaded_rps(three, sent, np.array([0.0, 10, 10])) is None
    assert overloaded_rps(three, np.array([100.0, 0, 100]), np.zeros(3)) is None


def test_growth_and_fall_are_both_judged_by_the_lowest_rate_that_was_too_much() -> None:
    sent, late = np.full(4, 100.0), np.array([0.0, 0, 50, 60])
    assert overloaded_rps(np.array([1.0, 2, 3, 5]), sent, late) == 3
    assert overloaded_rps(np.array([5.0, 3, 2, 1]), sent, late[::-1]) == 3


def test_a_constant_demand_below_0_is_refused() -> None:
    with pytest.raises(BadInputError, match="a demand of -1 requests/s in second 0"):
        constant(-1, 10)
