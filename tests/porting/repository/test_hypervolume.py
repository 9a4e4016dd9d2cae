"""What a frontier is worth as a whole: the area, the knee, and the price of the wrong metric."""

import numpy as np
import pytest

from porting.repository.hypervolume import cost_of_trust, hypervolume, knee, staircase


def test_the_area_is_that_of_the_rectangles_above_the_reference() -> None:
    assert hypervolume([(3, 1), (2, 2), (1, 3), (1, 1)], (0, 0)) == pytest.approx(6)


def test_the_area_is_what_counting_random_points_finds() -> None:
    generator = np.random.default_rng(0)
    points = generator.uniform(size=(30, 2))
    thrown = generator.uniform(size=(40_000, 2))
    covered = np.any(np.all(thrown[:, None] <= points[None], axis=2), axis=1).mean()
    assert hypervolume([(a, b) for a, b in points], (0, 0)) == pytest.approx(covered, abs=0.01)


def test_what_lies_below_the_reference_adds_nothing() -> None:
    assert hypervolume([(3, 1), (0.5, 9)], (1, 0)) == pytest.approx(2)
    assert hypervolume([], (0, 0)) == 0


def test_the_staircase_begins_with_the_best_first_metric_and_never_turns_back() -> None:
    points = [(1, 5), (3, 1), (2, 4), (2, 3), (3, 0.5)]
    assert [points[index] for index in staircase(points)] == [(3, 1), (2, 4), (1, 5)]


def test_the_knee_is_the_point_farthest_above_the_line_through_the_ends() -> None:
    points = [(1.0, 0.0), (0.9, 0.8), (0.5, 0.95), (0.0, 1.0)]
    assert knee(points) == 1


@pytest.mark.parametrize("points", [[(1, 0), (0, 1)], [(2, 0), (1, 1), (0, 2)], [(2, 0), (0.9, 0.9), (0, 2)], []])
def test_a_frontier_without_a_bulge_has_no_knee(points: list[tuple[float, float]]) -> None:
    assert knee(points) is None


def test_the_choice_by_the_right_metric_costs_nothing() -> None:
    points = [(0.9, 100.0), (0.8, 200.0), (0.7, 150.0)]
    found = cost_of_trust(points, [0, 1])
    assert found.lost_share == 0
    assert found.slowdown == 1


def test_the_choice_by_the_wrong_metric_costs_area_and_speed() -> None:
    points = [(0.9, 100.0), (0.8, 400.0), (0.8, 200.0), (0.7, 50.0)]
    found = cost_of_trust(points, [0, 2])
    assert found.lost_share == pytest.approx(1 - (0.2 * 50 + 0.1 * 100) / (0.2 * 50 + 0.1 * 300))
    assert found.slowdown == pytest.approx(2)


def test_a_metric_that_leaves_out_the_most_accurate_has_no_slowdown() -> None:
    assert cost_of_trust([(0.9, 100.0), (0.8, 200.0)], [1]).slowdown is None
