"""Poisson schedules: reproducible, exponential, and as many as the rate says."""

import numpy as np
import pytest
from scipy.stats import kstest

from profiler.load_generator.single_requests import poisson


def test_the_same_seed_draws_the_same_schedule() -> None:
    assert np.array_equal(poisson(100, 2.0, seed=3), poisson(100, 2.0, seed=3))
    assert not np.array_equal(poisson(100, 2.0, seed=3), poisson(100, 2.0, seed=4))


def test_the_gaps_of_a_schedule_are_exponential() -> None:
    moments = poisson(1000, 2.0, seed=0)
    assert kstest(np.diff(moments) * 1000, "expon").pvalue > 0.05
    assert kstest(np.diff(np.linspace(0, 2, 2000)) * 1000, "expon").pvalue < 1e-6


@pytest.mark.parametrize(("rate_per_s", "count"), [(33.0, 66), (0.1, 1)])
def test_a_schedule_offers_its_rate_within_its_time(rate_per_s: float, count: int) -> None:
    moments = poisson(rate_per_s, 2.0, seed=1)
    assert len(moments) == count
    assert np.all(np.diff(moments) > 0)
    assert moments[0] > 0
    assert moments[-1] < 2.0
