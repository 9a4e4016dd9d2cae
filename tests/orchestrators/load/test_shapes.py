"""Constant demand, steps, and what ends them."""

from itertools import islice

import numpy as np
import pytest
from pydantic import ValidationError

from orchestrators.load import (
    Step,
    StepAnswers,
    constant,
    exponential_steps,
    linear_steps,
    overloaded,
    until_overloaded,
)
from profiler.errors import BadInputError


def test_constant_demand_is_the_same_in_every_second() -> None:
    assert constant(7.5, 3).tolist() == [7.5, 7.5, 7.5]


def test_linear_steps_grow_without_end() -> None:
    assert [step.rate_rps for step in islice(linear_steps(1, 2, 30), 1000)] == list(range(1, 2001, 2))


def test_falling_steps_end_before_a_rate_of_0() -> None:
    """The thesis's two: from 51 by 5, which ends at 1, and from 11 by 3, which ends at 2; one that meets 0 exactly."""
    assert [step.rate_rps for step in linear_steps(51, -5, 30)] == list(range(51, 0, -5))
    assert [step.rate_rps for step in linear_steps(11, -3, 50)] == [11, 8, 5, 2]
    assert [step.rate_rps for step in linear_steps(6, -3, 50)] == [6, 3]


def test_a_rate_that_rounding_keeps_above_0_ends_a_fall_too() -> None:
    assert 0.3 - 3 * 0.1 != 0
    assert len(list(linear_steps(0.3, -0.1, 1))) == 3


def test_exponential_steps_double_their_distance() -> None:
    """The rates of the thesis's exponential growth, from 1 to 129 requests/s."""
    assert [step.rate_rps for step in islice(exponential_steps(1, 1, 40), 9)] == [1, 2, 3, 5, 9, 17, 33, 65, 129]
    assert [step.rate_rps for step in exponential_steps(10, -1, 40)] == [10, 9, 8, 6, 2]


def test_a_step_is_its_rate_in_each_of_its_seconds() -> None:
    demand = np.concatenate([step.demand_rps for step in linear_steps(4, -2, 2)])
    assert demand.tolist() == [4, 4, 2, 2]


@pytest.mark.parametrize("late", [0, 10])
def test_a_few_late_requests_do_not_end_growth(late: int) -> None:
    assert not overloaded(StepAnswers(requests=100, late=late))


def test_many_late_requests_end_growth() -> None:
    assert overloaded(StepAnswers(requests=100, late=11))
    assert not overloaded(StepAnswers(requests=100, late=11), late_share=0.2)


def test_one_failed_answer_ends_growth() -> None:
    assert overloaded(StepAnswers(requests=100, late=0, failed=1))


def test_a_step_without_requests_overloads_nothing() -> None:
    assert not overloaded(StepAnswers(requests=0, late=0))


def test_growth_goes_on_until_a_step_overloads() -> None:
    def served_up_to_16_rps(step: Step) -> StepAnswers:
        requests = int(step.rate_rps * step.seconds)
        return StepAnswers(requests=requests, late=max(0, requests - 16 * step.seconds))

    done = until_overloaded(exponential_steps(1, 1, 10), served_up_to_16_rps)
    assert [step.rate_rps for step, _ in done] == [1, 2, 3, 5, 9, 17, 33]
    assert [answers.late for _, answers in done][-2:] == [10, 170]


def test_more_answers_than_requests_are_refused() -> None:
    with pytest.raises(ValidationError, match="6 late and 5 failed of 10 requests"):
        StepAnswers(requests=10, late=6, failed=5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1, 10), "a start of 0 requests/s"),
        ((float("nan"), 1, 10), "a start of nan requests/s"),
        ((1, 0, 10), "a step of 0 requests/s"),
        ((1, float("inf"), 10), "a step of inf requests/s"),
        ((1, 1, 0), "a step of 0 s"),
        ((1, 1, 2.5), "a step of 2.5 s"),
        ((1, 1, float("nan")), "a step of nan s"),
    ],
)
def test_steps_that_make_no_sense_are_refused_at_once(arguments: tuple[float, float, int], message: str) -> None:
    for steps in (linear_steps, exponential_steps):
        with pytest.raises(BadInputError, match=message):
            steps(*arguments)


def test_a_constant_demand_below_0_is_refused() -> None:
    with pytest.raises(BadInputError, match="a demand of -1 requests/s in second 0"):
        constant(-1, 10)


def test_a_share_of_late_requests_lies_between_0_and_1() -> None:
    with pytest.raises(BadInputError, match=r"late_share=1\.0"):
        overloaded(StepAnswers(requests=1, late=0), late_share=1.0)
