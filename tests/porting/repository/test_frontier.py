"""Dominance between figures with intervals: a strict order, and ties that are said to be ties."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from porting.repository import standing
from porting.repository.frontier import Dominance, Points, dominances, dominated
from porting.repository.schema import Figure
from porting.repository.standing import Candidate


def figure(value: float, half_width: float = 0.0) -> Figure:
    return value, value - half_width, value + half_width


def placed(**candidates: tuple[Figure | None, Figure | None]) -> dict[str, Dominance]:
    """The places of candidates with an accuracy and a throughput each."""
    return dominances(list(candidates), Points.of(list(candidates.values()), ["higher", "higher"]))


def crowd(count: int, seed: int, metrics: int = 2) -> Points:
    """Candidates whose intervals overlap often, and of which a tenth has no interval or no figure somewhere."""
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 20, (count, metrics)) / 20
    low, high = values - generator.uniform(0, 0.2, values.shape), values + generator.uniform(0, 0.2, values.shape)
    unknown, endless = generator.random(values.shape) < 0.05, generator.random(values.shape) < 0.05
    return Points(np.where(unknown, np.nan, values), np.where(endless, -np.inf, low), np.where(endless, np.inf, high))


def test_better_in_one_and_no_worse_in_the_other_dominates() -> None:
    found = placed(a=(figure(0.9), figure(200, 5)), b=(figure(0.9), figure(100, 5)))
    assert found["a"].on_frontier
    assert found["b"].dominated_by == "a"


def test_a_better_estimate_within_the_interval_is_a_tie() -> None:
    found = placed(a=(figure(0.91, 0.02), figure(102, 5)), b=(figure(0.90, 0.02), figure(100, 5)))
    assert found["a"].on_frontier
    assert found["b"].on_frontier
    assert found["a"].ties_with == ("b",)


def test_a_trade_off_is_no_tie() -> None:
    found = placed(a=(figure(0.9, 0.01), figure(100, 1)), b=(figure(0.8, 0.01), figure(200, 1)))
    assert [(place.on_frontier, place.ties_with) for place in found.values()] == [(True, ())] * 2


def test_the_dominated_one_is_told_by_whom() -> None:
    found = placed(
        slow=(figure(0.8, 0.01), figure(100, 1)),
        best=(figure(0.95, 0.01), figure(300, 1)),
        good=(figure(0.85, 0.01), figure(200, 1)),
    )
    assert found["slow"].dominated_by == "best"
    assert found["good"].dominated_by == "best"
    assert found["best"].on_frontier


def test_of_a_figure_that_is_better_lower_the_lower_one_dominates() -> None:
    points = Points.of([[figure(0.9), figure(20, 1)], [figure(0.9), figure(30, 1)]], ["higher", "lower"])
    assert dominated(points).tolist() == [False, True]


def test_without_an_interval_nothing_is_shown() -> None:
    found = placed(a=(figure(0.9), (200, None, None)), b=(figure(0.9), (100, None, None)))
    assert [place.on_frontier for place in found.values()] == [True, True]


@pytest.mark.parametrize(
    ("better", "worse"), [((200, None, 210), (100, 90, 110)), ((200, 190, 210), (100, 90, None))]
)  # fmt: skip
def test_an_end_of_an_interval_that_is_unknown_is_without_end(better: Figure, worse: Figure) -> None:
    found = placed(a=(figure(0.9), better), b=(figure(0.9), worse))
    assert [place.on_frontier for place in found.values()] == [True, True]


@pytest.mark.parametrize("metrics", [2, 3])
def test_intervals_that_touch_each_other_overlap(metrics: int) -> None:
    same = [figure(0.9)] * (metrics - 1)
    points = Points.of([[*same, figure(100, 5)], [*same, figure(90, 5)]], ["higher"] * metrics)
    assert dominated(points).tolist() == [False, False]
    assert points.dominators(1).tolist() == [False, False]
    assert points.tied_with(0).tolist() == points.tied_with(1).tolist() == [True, True]


def test_a_candidate_of_which_a_figure_is_unknown_is_never_dominated() -> None:
    found = placed(unknown=(None, figure(1, 0)), known=(figure(0.9), figure(100, 1)))
    assert found["unknown"].on_frontier
    assert not found["unknown"].ties_with


def test_whoever_is_dominated_is_off_the_frontier_even_by_a_dominated_one() -> None:
    found = placed(
        a=((0.91, 0.80, 0.97), (100, 99, 101)),
        b=((0.90, 0.89, 0.91), (90, 89, 91)),
        c=((0.80, 0.78, 0.85), (80, 60, 120)),
    )
    assert found["c"].dominated_by == "b"


@pytest.mark.parametrize("metrics", [1, 2, 3])
def test_the_fast_ways_find_what_the_definition_says(metrics: int) -> None:
    for seed in range(30):
        points = crowd(40, seed, metrics)
        assert dominated(points).tolist() == [points.dominators(index).any() for index in range(40)]


def test_two_metrics_give_what_three_give_of_which_two_are_equal() -> None:
    points = crowd(600, 0)
    thrice = Points(*(np.column_stack([one, one[:, 0]]) for one in (points.values, points.low, points.high)))
    assert dominated(points).tolist() == dominated(thrice).tolist()


def test_dominance_is_a_strict_order_and_somebody_always_remains() -> None:
    for seed in range(30):
        points = crowd(20, seed)
        above = np.array([points.dominators(index) for index in range(20)])
        assert not (above & above.T).any()
        names = [str(index) for index in range(20)]
        found = dominances(names, points)
        assert any(place.on_frontier for place in found.values())
        for name, place in found.items():
            assert place.dominated_by is None or above[int(name), int(place.dominated_by)]


def test_intervals_of_a_figure_that_is_better_lower_overlap_too() -> None:
    points = Points.of([[figure(0.9), figure(20, 6)], [figure(0.9), figure(30, 6)]], ["higher", "lower"])
    assert dominated(points).tolist() == [False, False]
    assert points.tied_with(0).tolist() == [True, True]


def test_the_lower_one_is_the_dominator_and_is_not_dominated() -> None:
    points = Points.of([[figure(0.9), figure(20, 1)], [figure(0.9), figure(30, 1)]], ["higher", "lower"])
    assert (points.dominators(0).tolist(), points.dominators(1).tolist()) == ([False, False], [True, False])


def test_who_overlaps_in_one_metric_alone_is_no_tie() -> None:
    found = placed(a=(figure(0.9, 0.01), figure(100, 1)), b=(figure(0.895, 0.01), figure(200, 1)))
    assert [(place.on_frontier, place.ties_with) for place in found.values()] == [(True, ())] * 2


def test_a_candidate_of_which_a_figure_is_unknown_ties_with_nobody() -> None:
    found = placed(unknown=(None, figure(100, 1)), known=(figure(0.9), figure(100, 1)))
    assert [place.ties_with for place in found.values()] == [(), ()]


def test_a_tie_is_with_members_of_the_frontier_alone() -> None:
    found = placed(
        one=(figure(0.9, 0.05), figure(100, 1)),
        worse=(figure(0.88, 0.05), figure(100, 1)),
        quick=(figure(0.89, 0.05), figure(200, 1)),
    )
    assert found["worse"].dominated_by == "quick"
    assert found["one"].ties_with == ()


def test_of_several_dominators_the_best_in_the_first_metric_is_told() -> None:
    found = placed(
        slow=(figure(0.8, 0.01), figure(100, 1)),
        quick=(figure(0.9, 0.01), figure(300, 1)),
        exact=(figure(0.95, 0.01), figure(200, 1)),
    )
    assert found["slow"].dominated_by == "exact"


def test_a_dominator_on_the_frontier_is_told_before_one_that_is_dominated() -> None:
    # The vague one dominates the exact one and not the slow one, whose throughput is hardly known.
    found = placed(
        slow=(figure(0.5), figure(100, 100)),
        exact=(figure(0.9, 0.01), figure(110, 5)),
        vague=(figure(0.9, 0.6), figure(150, 5)),
        quick=(figure(0.7, 0.01), figure(160, 1)),
    )
    assert found["exact"].dominated_by == "vague"
    assert found["slow"].dominated_by == "quick"


@pytest.mark.parametrize(("other", "on_frontier"), [("a", False), ("b", True)])
def test_only_what_was_evaluated_on_the_same_data_is_compared(other: str, on_frontier: bool) -> None:
    accuracies: Any = [SimpleNamespace(dataset_sha256=data * 64) for data in ("a", other)]
    rates = {"good": figure(200, 1), "bad": figure(100, 1)}
    candidates = [
        Candidate(name, accuracy, {"accuracy": figure(0.9), "relative_throughput": rate})
        for accuracy, (name, rate) in zip(accuracies, rates.items(), strict=True)
    ]
    assert standing.placed(candidates, standing.RANKED_BY)["bad"].on_frontier == on_frontier
