"""Moments that follow from a demand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from orchestrators.load import poisson_arrivals
from profiler.common.errors import BadInputError

any_rates = st.lists(st.floats(0, 60), min_size=1, max_size=60).map(np.array)


def counts(moments: np.ndarray, seconds: int) -> np.ndarray:
    return np.bincount(moments.astype(int), minlength=seconds)


@given(any_rates, st.integers(0, 10))
def test_poisson_arrivals_are_sorted_within_the_demand_and_follow_their_seed(demand: np.ndarray, seed: int) -> None:
    moments = poisson_arrivals(demand, seed)
    assert (np.diff(moments) >= 0).all()
    assert ((moments >= 0) & (moments <= len(demand))).all()
    assert (poisson_arrivals(demand, seed) == moments).all()


def test_another_seed_gives_other_moments() -> None:
    assert len({poisson_arrivals(np.full(10, 50.0), seed)[0] for seed in range(20)}) == 20


def test_counts_of_poisson_arrivals_are_poisson_with_the_rate_of_their_second() -> None:
    """Against the law itself, for two rates that alternate."""
    demand = np.tile([3.0, 40.0], 5000)
    found = counts(poisson_arrivals(demand, seed=3), len(demand))
    for own, rate in ((found[::2], 3.0), (found[1::2], 40.0)):
        classes = np.clip(own, *stats.poisson.ppf([0.02, 0.98], rate).astype(int))
        values, seen = np.unique(classes, return_counts=True)
        below = stats.poisson.cdf(values, rate)
        expected = np.diff([0.0, *below[:-1], 1.0]) * len(own)
        assert stats.chisquare(seen, expected).pvalue > 1e-3


def test_poisson_moments_are_even_within_their_second_and_their_gaps_exponential() -> None:
    moments = poisson_arrivals(np.full(2000, 20.0), seed=4)
    assert stats.kstest(moments % 1, "uniform").pvalue > 1e-3
    assert stats.kstest(np.diff(moments), "expon", args=(0, 1 / 20)).pvalue > 1e-3


def test_no_demand_brings_no_requests() -> None:
    assert len(poisson_arrivals(np.zeros(5), 0)) == 0


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        (np.array([1.0, -2.0]), "a demand of -2 requests/s in second 1"),
        (np.array([np.nan]), "a demand of nan requests/s in second 0"),
        (np.array([1.0, 2.0, np.inf]), "a demand of inf requests/s in second 2"),
        (np.array([]), r"a demand of shape \(0,\)"),
        (np.ones((2, 2)), r"a demand of shape \(2, 2\)"),
    ],
)
def test_what_is_no_demand_is_refused(demand: np.ndarray, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        poisson_arrivals(demand, 0)


def test_more_requests_than_memory_holds_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"2e\+12 requests in 2 s: at most 2e\+07"):
        poisson_arrivals(np.full(2, 1e12), 0)
