"""Percentiles, intervals and the end of a warm-up are unknown where the samples are too few."""

import math

import numpy as np
import pytest
from narrowing import known
from scipy.stats import t

from profiler.analysis.statistics import (
    QuantileInterval,
    median_interval,
    percentile,
    ratio_interval,
    samples_for_percentile,
    steady_from,
    too_few,
    upper_bound,
)


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
    assert (found.value, found.low, found.high) == (3, None, None)


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


def test_the_median_s_bounds_are_order_statistics_of_the_binomial_distribution() -> None:
    # P(X <= 7) = 0.022 and P(X <= 17) = 0.978 for 25 samples, half of which lie below the median.
    found = median_interval(range(25))
    assert (found.value, found.low, found.high) == (12, 7, 17)


def test_a_quantile_is_bounded_from_above_as_soon_as_the_samples_suffice() -> None:
    assert upper_bound(range(458), 0.99) is None
    assert upper_bound(range(459), 0.99) == 458


def test_an_uncertainty_that_samples_do_not_show_widens_the_interval_of_a_quantile() -> None:
    found = QuantileInterval(100.0, 90.0, None).wider(0.03)
    assert math.log(known(found.low) / 100) == pytest.approx(-math.hypot(math.log(0.9), 1.96 * 0.03))
    assert (found.value, found.high) == (100.0, None)
    above = QuantileInterval(100.0, None, 110.0).wider(0.03)
    assert math.log(known(above.high) / 100) == pytest.approx(math.hypot(math.log(1.1), 1.96 * 0.03))
    assert above.low is None


def machine(generator: np.random.Generator, n: int, memory: float) -> tuple[np.ndarray, np.ndarray]:
    """Speed of a drifting machine (AR(1), spread 20 %) during `n` slices of load, and during the probes around them."""
    drift = [generator.normal(0, 0.2)]
    for _ in range(2 * n):
        drift.append(memory * drift[-1] + generator.normal(0, 0.2 * np.sqrt(1 - memory**2)))
    speed = np.exp(drift)
    return speed[1::2], speed[0::2]


@pytest.mark.parametrize("memory", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [6, 10, 24])
def test_a_drift_corrected_rate_lies_in_its_interval_as_often_as_it_says(n: int, memory: float) -> None:
    generator = np.random.default_rng(n)
    true_rate, held, repeats = 200.0, 0, 600
    for _ in range(repeats):
        under_load, at_probe = machine(generator, n, memory)
        counted = true_rate * 0.2 * under_load * np.exp(generator.normal(0, 0.05, n))
        probe = at_probe * np.exp(generator.normal(0, 0.03, n + 1))
        seconds = 0.2 * (probe[:-1] + probe[1:]) / 2
        found = ratio_interval(counted.tolist(), seconds.tolist())
        assert found.low is not None
        assert found.high is not None
        held += found.low <= true_rate <= found.high
    assert held / repeats >= 0.9


def test_dividing_the_drift_out_narrows_the_interval() -> None:
    under_load, at_probe = machine(np.random.default_rng(0), 24, memory=0.99)
    counted, seconds = 40 * under_load, np.full(24, 0.2)
    beside = seconds * (at_probe[:-1] + at_probe[1:]) / 2
    raw, corrected = (ratio_interval(counted.tolist(), one.tolist()) for one in (seconds, beside))
    widths = [(found.high or 0) - (found.low or 0) for found in (raw, corrected)]
    assert widths[1] < widths[0] / 2


def test_a_rate_is_all_that_was_counted_over_all_the_seconds() -> None:
    assert ratio_interval([10, 0, 20], [1, 2, 2]).ratio == 6


def test_slices_that_all_ran_alike_have_no_width() -> None:
    found = ratio_interval([40] * 8, [0.2] * 8)
    assert (found.low, found.high) == pytest.approx((200, 200))


def test_blocks_of_like_neighbours_widen_the_interval() -> None:
    alike, mixed = [40.0] * 12 + [50.0] * 12, [40.0, 50.0] * 12
    widths = [(found.high or 0) - (found.low or 0) for found in (ratio_interval(c, [0.2] * 24) for c in (alike, mixed))]
    assert widths[1] < widths[0] / 10


@pytest.mark.parametrize("counted", [[40] * 5, [0, 0, 0, 0, 0, 0, 40]])
def test_too_little_counted_bounds_no_rate(counted: list[float]) -> None:
    found = ratio_interval(counted, [0.2] * len(counted))
    assert (found.low, found.high) == (None, None)


def curve(n: int, noise_share: float, seed: int = 0) -> list[float]:
    """A warm-up: three times the final 10 ms at first, then falling with a time constant of three inferences."""
    falling = 10 * (1 + 2 * np.exp(-np.arange(n) / 3))
    samples: list[float] = (falling * np.exp(np.random.default_rng(seed).normal(0, noise_share, n))).tolist()
    return samples


@pytest.mark.parametrize("n", [30, 50, 200])
@pytest.mark.parametrize("seed", range(5))
def test_a_warm_up_is_over_where_the_curve_reaches_its_level(n: int, seed: int) -> None:
    # exp(−i / 3) × 2 falls below 5 % at the 11th.
    assert 8 <= known(steady_from(curve(n, noise_share=0.01, seed=seed))) < 15


def test_a_slow_first_inference_is_the_whole_warm_up() -> None:
    assert steady_from([30.0, *[10.0] * 29]) == 1


def test_a_curve_without_warm_up_is_steady_from_its_start() -> None:
    assert steady_from([10.0] * 30) == 0


@pytest.mark.parametrize("place", [20, 45, 49])
def test_a_lone_late_spike_does_not_make_a_curve_unsteady(place: int) -> None:
    samples = curve(50, noise_share=0.01)
    before = steady_from(samples)
    samples[place] *= 8
    assert steady_from(samples) == before


def test_noise_alone_is_no_warm_up() -> None:
    found = [steady_from(np.random.default_rng(seed).normal(10, 1, 50).tolist()) for seed in range(100)]
    assert sum(index is not None and index < 5 for index in found) >= 95


@pytest.mark.parametrize("end_ms", [20.0, 5.0])
def test_a_ramp_never_settles(end_ms: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 50)
    assert steady_from((np.linspace(10, end_ms, 50) + noise).tolist()) is None


@pytest.mark.parametrize("end", [[14.0] * 10, [14.0] * 8 + [10.0] * 2])
def test_a_late_change_of_level_is_not_steady(end: list[float]) -> None:
    assert steady_from([10.0] * 40 + end) is None


def test_too_few_inferences_tell_no_level() -> None:
    assert steady_from([10.0] * 9) is None


def test_an_uncertainty_that_slices_do_not_show_widens_their_interval() -> None:
    counted, seconds = [20.0] * 12, [0.2, 0.21] * 6
    alone, wider = ratio_interval(counted, seconds), ratio_interval(counted, seconds, unseen_sd=0.01)
    assert wider.ratio == alone.ratio
    seen, whole = (math.log(known(one.high) / one.ratio) for one in (alone, wider))
    assert whole == pytest.approx(math.hypot(seen, 1.96 * 0.01))


@pytest.mark.parametrize(("slices", "blocks"), [(6, 6), (12, 6), (16, 8), (24, 12), (60, 12)])
def test_the_interval_is_that_of_a_jackknife_over_blocks_of_neighbours(slices: int, blocks: int) -> None:
    generator = np.random.default_rng(slices)
    counted, seconds = generator.integers(20, 60, slices), generator.uniform(0.1, 0.4, slices)
    found = ratio_interval(list(counted), list(seconds))
    left_out = [
        np.delete(np.arange(slices), block) for block in np.array_split(np.arange(slices), blocks)
    ]  # fmt: skip
    logarithms = [math.log(counted[kept].sum() / seconds[kept].sum()) for kept in left_out]
    mean = sum(logarithms) / blocks
    standard_error = math.sqrt((blocks - 1) / blocks * sum((one - mean) ** 2 for one in logarithms))
    half = t.ppf(0.975, blocks - 1) * standard_error
    ratio = counted.sum() / seconds.sum()
    assert found.ratio == pytest.approx(ratio)
    assert [found.low, found.high] == pytest.approx([ratio * math.exp(-half), ratio * math.exp(half)])
