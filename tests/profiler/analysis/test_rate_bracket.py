"""The bracket of a capacity between trials that met the deadline and trials that failed."""

from itertools import pairwise

import pytest
from narrowing import known

from profiler.analysis.capacity_search import Bracket, Outcome, bracket, next_rate


def outcomes(met: list[float], failed: list[float]) -> list[Outcome]:
    return [Outcome(rate, True) for rate in met] + [Outcome(rate, False) for rate in failed]


@pytest.mark.parametrize(
    ("met", "failed", "expected"),
    [
        ([80, 90], [100, 120], Bracket(90, 90, 100)),
        ([80, 110], [100, 120], Bracket(80, 80, 120)),
        ([80, 90], [70, 100], Bracket(90, None, 100)),
        ([80], [], Bracket(80, 80, None)),
        ([], [80], Bracket(None, None, 80)),
        ([80, 82, 84, 110], [86, 88, 90], Bracket(84, 84, None)),
    ],
)
def test_contradictions_widen_the_bracket(met: list[float], failed: list[float], expected: Bracket) -> None:
    assert bracket(outcomes(met, failed)) == expected


@pytest.mark.parametrize("capacity", [8.0, 30.0, 61.0, 99.0, 107.0])
def test_the_search_closes_in_on_the_capacity(capacity: float) -> None:
    tried: list[Outcome] = []
    while (rate := next_rate(tried, start=50.0, most=100.0)) is not None:
        tried.append(Outcome(rate, rate <= capacity))
        assert len(tried) < 20
    found = bracket(tried)
    low, high = known(found.low), known(found.high)
    assert low <= capacity < high
    assert high <= low * 1.07


def test_the_end_that_failed_is_tried_twice() -> None:
    tried = outcomes([98.0], [101.0])
    assert next_rate(tried, 50.0, 200.0) == 101.0
    assert next_rate([*tried, Outcome(101.0, False)], 50.0, 200.0) is None


def test_the_search_begins_at_its_start_and_never_above_twice_the_maximum() -> None:
    assert next_rate([], 50.0, 100.0) == 50.0
    assert next_rate([], 500.0, 100.0) == 200.0


def test_of_rates_that_contradict_as_many_trials_the_lowest_is_the_capacity() -> None:
    assert bracket(outcomes([50.0, 52.0], [51.0])).best == 50.0


def test_a_rate_that_failed_by_accident_does_not_hold_the_search_back() -> None:
    tried = outcomes([50.0, 52.0, 53.0], [51.0])
    assert known(next_rate(tried, 50.0, 100.0)) > 53.0


def test_rates_far_from_the_maximum_are_not_tried() -> None:
    tried: list[Outcome] = []
    while (rate := next_rate(tried, 50.0, 100.0)) is not None:
        tried.append(Outcome(rate, False))
    assert all(a.rate_per_s > b.rate_per_s for a, b in pairwise(tried))
    assert tried[-1].rate_per_s >= 2.0
    tried = []
    while (rate := next_rate(tried, 50.0, 100.0)) is not None:
        tried.append(Outcome(rate, True))
    assert 190.0 < tried[-1].rate_per_s <= 200.0
