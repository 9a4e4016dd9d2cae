"""Dominance between figures with intervals: a strict order, and ties that are said to be ties."""

import itertools

import numpy as np

from porting.repository.frontier import Candidate, Metric, dominates, places


def metric(value: float, half_width: float = 0.0) -> Metric:
    return Metric(value, value - half_width, value + half_width)


def candidate(name: str, *metrics: Metric) -> Candidate:
    return Candidate(name, metrics)


def test_better_in_one_and_no_worse_in_the_other_dominates() -> None:
    a, b = candidate("a", metric(0.9), metric(200, 5)), candidate("b", metric(0.9), metric(100, 5))
    assert dominates(a, b)
    assert not dominates(b, a)


def test_a_better_estimate_within_the_interval_is_a_tie() -> None:
    a = candidate("a", metric(0.91, 0.02), metric(102, 5))
    b = candidate("b", metric(0.90, 0.02), metric(100, 5))
    found = places([a, b])
    assert found["a"].on_frontier
    assert found["b"].on_frontier
    assert found["a"].ties_with == ("b",)


def test_a_trade_off_is_no_tie() -> None:
    found = places(
        [candidate("a", metric(0.9, 0.01), metric(100, 1)), candidate("b", metric(0.8, 0.01), metric(200, 1))]
    )
    assert all(place.on_frontier and not place.ties_with for place in found.values())


def test_the_dominated_one_is_told_by_whom() -> None:
    found = places([
        candidate("slow", metric(0.8, 0.01), metric(100, 1)),
        candidate("best", metric(0.95, 0.01), metric(300, 1)),
        candidate("good", metric(0.85, 0.01), metric(200, 1)),
    ])  # fmt: skip
    assert found["slow"].dominated_by == "best"
    assert found["good"].dominated_by == "best"
    assert found["best"].on_frontier


def test_without_an_interval_nothing_is_shown() -> None:
    a = candidate("a", metric(0.9, 0.0), Metric(200, None, None))
    b = candidate("b", metric(0.9, 0.0), Metric(100, None, None))
    assert not dominates(a, b)


def test_an_unknown_accuracy_is_never_dominated() -> None:
    found = places([candidate("unknown"), candidate("known", metric(0.9), metric(100, 1))])
    assert found["unknown"].on_frontier
    assert not found["unknown"].ties_with


def test_dominance_is_a_strict_order_and_somebody_always_remains() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        crowd = [
            candidate(
                str(i), metric(*generator.uniform([0.8, 0], [1, 0.05])), metric(*generator.uniform([50, 0], [99, 20]))
            )
            for i in range(12)
        ]
        for a, b in itertools.combinations(crowd, 2):
            assert not (dominates(a, b) and dominates(b, a))
        found = places(crowd)
        assert any(place.on_frontier for place in found.values())
        by_name = {one.name: one for one in crowd}
        for name, place in found.items():
            dominated = any(dominates(other, by_name[name]) for other in crowd)
            assert place.on_frontier != dominated
            assert place.dominated_by is None or dominates(by_name[place.dominated_by], by_name[name])


def test_whoever_is_dominated_is_off_the_frontier_even_by_a_dominated_one() -> None:
    a = candidate("a", Metric(0.91, 0.80, 0.97), Metric(100, 99, 101))
    b = candidate("b", Metric(0.90, 0.89, 0.91), Metric(90, 89, 91))
    c = candidate("c", Metric(0.80, 0.78, 0.85), Metric(80, 60, 120))
    assert dominates(b, c)
    assert not dominates(a, c)
    assert places([a, b, c])["c"].dominated_by == "b"


def test_the_joined_points_of_the_figure_never_turn_back() -> None:
    from types import SimpleNamespace as Value

    from porting.repository.figure import staircase

    generator = np.random.default_rng(1)
    found = []
    for _ in range(20):
        best = Value(corrected_images_per_s=float(generator.uniform(50, 99)))
        standing = Value(on_frontier=bool(generator.random() < 0.7), max_throughput=best)
        found.append(Value(accuracy=Value(value=float(generator.uniform(0.8, 1))), standing=standing))
    joined = staircase(found)
    rates = [point.standing.max_throughput.corrected_images_per_s for point in joined]
    accuracies = [point.accuracy.value for point in joined]
    assert joined
    assert rates == sorted(rates, reverse=True)
    assert accuracies == sorted(accuracies)
    assert all(point.standing.on_frontier for point in joined)
