"""Rank correlation with throughput, its interval, and when there is none."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from profiler.analysis.comparison import Figures, rank_correlation, throughput_correlations


def test_the_coefficient_is_spearman_s() -> None:
    values, others = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0], [2.0, 7.0, 1.0, 8.0, 2.0, 8.0]
    found = rank_correlation(values, others)
    assert found.spearman == pytest.approx(spearmanr(values, others).statistic)
    assert found.n == 6


def test_the_interval_is_bonett_and_wright_s() -> None:
    found = rank_correlation([1, 2, 3, 4, 5], [2, 3, 1, 4, 5])
    assert found.spearman == pytest.approx(0.7)
    half = 1.959964 * math.sqrt((1 + 0.49 / 2) / 2)
    assert found.low == pytest.approx(math.tanh(math.atanh(0.7) - half))
    assert found.high == pytest.approx(math.tanh(math.atanh(0.7) + half))


@pytest.mark.parametrize(("n", "correlation"), [(6, 0.9), (20, 0.0), (20, 0.5), (50, 0.9)])
def test_the_interval_holds_the_true_coefficient_as_often_as_it_says(n: int, correlation: float) -> None:
    generator = np.random.default_rng(n)
    true, held, repeats = 6 / math.pi * math.asin(correlation / 2), 0, 400
    for _ in range(repeats):
        x = generator.standard_normal(n)
        y = correlation * x + math.sqrt(1 - correlation**2) * generator.standard_normal(n)
        found = rank_correlation(x.tolist(), y.tolist())
        assert found.low is not None
        assert found.high is not None
        held += found.low <= true <= found.high
    assert held / repeats > 0.92


@pytest.mark.parametrize("sign", [1, -1])
def test_few_variants_in_perfect_order_prove_little(sign: int) -> None:
    few, many = (rank_correlation(list(range(n)), [sign * value for value in range(n)]) for n in (4, 40))
    assert few.spearman == many.spearman == sign
    bounds = [(found.low, found.high) if sign > 0 else (found.high, found.low) for found in (few, many)]
    assert [far for _, far in bounds] == [sign, sign]
    assert sign * (bounds[0][0] or 0) < 0 < 0.9 < sign * (bounds[1][0] or 0)


def test_three_variants_have_no_coefficient() -> None:
    found = rank_correlation([1, 2, 3, None], [1, 2, 3, 4])
    assert (found.n, found.spearman) == (3, None)
    assert found.reasons["spearman"] == "needs 4 variants, 3 are known"


@pytest.mark.parametrize(("values", "others"), [([5, 5, 5, 5], [1, 2, 3, 4]), ([1, 2, 3, 4], [5, 5, 5, 5])])
def test_a_constant_figure_ranks_nothing(values: list[float], others: list[float]) -> None:
    found = rank_correlation(values, others)
    assert found.spearman is None
    assert "the same value" in found.reasons["spearman"]


def test_each_figure_is_held_against_throughput_where_it_is_known() -> None:
    variants = [
        Figures(flops=flops, latency_ms=latency, images_per_s=throughput)
        for flops, latency, throughput in [(4, 8.0, 100), (3, 4.0, 200), (1, 2.0, 300), (2, 1.0, 400), (None, 0.5, 500)]
    ]
    found = throughput_correlations(variants)
    assert {name: one.n for name, one in found.items()} == {"FLOPs": 4, "latency": 5, "inverse latency": 5}
    assert found["FLOPs"].spearman == pytest.approx(-0.8)
    assert (found["latency"].spearman, found["inverse latency"].spearman) == pytest.approx((-1, 1))
