"""What the thesis does to a trace."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrators.load import macro_trend, manipulated, scaled_to_mean, warmed_up
from profiler.common.errors import BadInputError

TRACE = np.random.default_rng(0).poisson(30, 300).astype(float)
demands = st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any).map(lambda counts: np.array(counts) * 1.0)


def test_scaling_to_a_mean_scales_the_volatility_with_it() -> None:
    scaled = scaled_to_mean(TRACE, 90)
    assert scaled.mean() == pytest.approx(90)
    assert scaled.std() / scaled.mean() == pytest.approx(TRACE.std() / TRACE.mean())


def test_a_demand_of_nothing_cannot_be_scaled() -> None:
    with pytest.raises(BadInputError, match="a demand of 0 in all its 3 s"):
        scaled_to_mean(np.zeros(3), 10)


def test_a_warm_up_grows_evenly_to_the_whole_demand() -> None:
    assert warmed_up(np.full(6, 12.0), 4).tolist() == [3, 6, 9, 12, 12, 12]
    assert warmed_up(np.full(3, 12.0), 0).tolist() == [12, 12, 12]
    assert warmed_up(np.full(3, 12.0), 3).tolist() == [4, 8, 12]


def test_a_warm_up_scales_the_volatile_character() -> None:
    assert (warmed_up(TRACE, 100)[:100] / TRACE[:100]).tolist() == pytest.approx((np.arange(1, 101) / 100).tolist())


@pytest.mark.parametrize("seed", range(20))
def test_a_macro_trend_starts_at_0_and_reaches_its_peak(seed: int) -> None:
    trend = macro_trend(300, 25, seed)
    assert trend[0] == 0
    assert np.abs(trend).max() == pytest.approx(25)
    assert (macro_trend(300, 25, seed) == trend).all()


def test_macro_trends_differ_by_seed_and_go_up_as_well_as_down() -> None:
    farthest = [trend[np.abs(trend).argmax()] for trend in (macro_trend(300, 25, seed) for seed in range(40))]
    assert 10 < sum(value > 0 for value in farthest) < 30


def test_a_macro_trend_is_slow_beside_a_second() -> None:
    """No sinusoid is quicker than its shortest period, so that the spectrum ends there."""
    trend = macro_trend(3600, 25, seed=1, shortest_period_s=60)
    power = np.abs(np.fft.rfft(trend * np.hanning(3600))) ** 2
    quicker = np.fft.rfftfreq(3600) > 1.1 / 60
    assert power[quicker].sum() < 1e-3 * power[1:].sum()


def test_a_trend_of_one_second_or_no_height_is_0() -> None:
    assert macro_trend(1, 25, 0).tolist() == [0]
    assert not macro_trend(300, 0, 0).any()


def test_manipulation_scales_then_warms_up_then_adds_the_trend() -> None:
    changed = manipulated(np.array([1.0, 3, 1, 3]), mean_rps=20, warm_up_s=2, trend_rps=np.array([0.0, -5]))
    assert changed.tolist() == [5, 30, 10, 25]


@given(demands, st.floats(0, 1e4), st.data())
def test_a_manipulated_demand_is_never_negative(demand: np.ndarray, mean_rps: float, data: st.DataObject) -> None:
    warm_up_s = data.draw(st.integers(0, len(demand) - 1))
    trend = macro_trend(len(demand) - warm_up_s, 2e4, seed=data.draw(st.integers(0, 1000)))
    changed = manipulated(demand, mean_rps, warm_up_s, trend)
    assert changed.shape == demand.shape
    assert (changed >= 0).all()
    assert np.isfinite(changed).all()


def test_a_manipulation_leaves_its_trace_alone() -> None:
    before = TRACE.copy()
    manipulated(TRACE, 60, 10, macro_trend(290, 30, 0))
    assert (before == TRACE).all()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"a trend of shape \(300,\): .* each of the 290 s after the warm-up"):
        manipulated(TRACE, 60, 10, np.zeros(300))
    with pytest.raises(BadInputError, match="warm_up_s=301"):
        warmed_up(TRACE, 301)
    with pytest.raises(BadInputError, match="mean_rps=-1"):
        scaled_to_mean(TRACE, -1)
    with pytest.raises(BadInputError, match="waves=0"):
        macro_trend(10, 1, 0, waves=0)
    with pytest.raises(BadInputError, match="peak_rps=-1"):
        macro_trend(10, -1, 0)
