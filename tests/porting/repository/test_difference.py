"""Two measurements of one figure, and whether they differ."""

import math

import numpy as np
import pytest

from porting.repository.compare import LEVEL, differ
from porting.repository.schema import Figure

MEASUREMENTS = 4000


def figure(value: float, standard_error: float) -> Figure:
    half = 1.96 * standard_error
    return value, value * math.exp(-half), value * math.exp(half)


def share_called_different(true_ratio: float, standard_error: float) -> float:
    """The share of pairs of measurements that are called different; the second network has this ratio to the first."""
    errors = np.random.default_rng(0).normal(0, standard_error, (MEASUREMENTS, 2))
    pairs = [(math.exp(one), true_ratio * math.exp(other)) for one, other in errors]
    return sum(differ(figure(one, standard_error), figure(other, standard_error)) for one, other in pairs) / len(pairs)


def test_two_measurements_of_the_same_bytes_are_called_different_at_the_stated_level() -> None:
    assert share_called_different(1.0, 0.02) == pytest.approx(LEVEL, abs=0.006)


def test_a_slow_down_of_five_percent_is_seen_nine_times_of_ten_where_figures_are_known_within_two_percent() -> None:
    assert share_called_different(1 / 1.05, 0.009) >= 0.9


def test_without_an_interval_nothing_is_called_different() -> None:
    assert not differ((1.0, None, None), figure(2.0, 0.01))
