import numpy as np
import pytest

from profiler.analysis.statistics import median_interval, percentile, samples_for_percentile, too_few


@pytest.mark.parametrize(("quantile", "n"), [(0.9, 44), (0.95, 90), (0.99, 459), (0.999, 4603)])
def test_a_percentile_needs_the_samples_that_bound_it(quantile: float, n: int) -> None:
    assert samples_for_percentile(quantile) == n


def test_a_percentile_of_too_few_samples_is_unknown_with_the_reason() -> None:
    samples = list(range(458))
    assert percentile(samples, 0.99) is None
    assert percentile([*samples, 458], 0.99) == pytest.approx(453.42)
    assert too_few(0.99, 458) == "p99 needs 459 samples, 458 were taken"


def test_five_samples_bound_no_median() -> None:
    found = median_interval([5, 1, 4, 2, 3])
    assert (found.median, found.low, found.high) == (3, None, None)


@pytest.mark.parametrize("n", [6, 10, 25])
def test_the_median_s_interval_holds_it_at_least_as_often_as_it_says(n: int) -> None:
    generator = np.random.default_rng(n)
    held = 0
    for _ in range(2000):
        found = median_interval(generator.exponential(size=n).tolist())
        assert found.low is not None
        assert found.high is not None
        held += found.low <= np.log(2) <= found.high
    assert held / 2000 > 0.94
