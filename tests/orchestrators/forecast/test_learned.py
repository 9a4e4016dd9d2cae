"""The learned forecast where the truth is known."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from orchestrators.forecast import Learned, fit, peaks
from orchestrators.forecast.learned import WINDOWS_S, margins
from orchestrators.forecast.level import Level, level, rate_rps, stabilised
from profiler.common.errors import BadInputError
from profiler.common.files import read_record, write_record


def poisson(rate_rps: float, seconds: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate_rps, seconds).astype(float)


FITTED = fit(poisson(30, 3000, seed=1), horizon_s=10, quantile=0.95)


def missed(forecaster: Learned, demand: np.ndarray) -> float:
    """The share of seconds after the fifth minute whose peak was above the forecast."""
    foreseen = [forecaster.forecast(demand[:now], 10) for now in range(300, len(demand) - 9)]
    return float((peaks(demand, 10)[300:] > foreseen).mean())


def test_steady_demand_is_averaged_over_minutes() -> None:
    windows = [level(poisson(30, 256, seed), WINDOWS_S, 1.0).window for seed in range(50)]
    assert np.median(windows) == len(WINDOWS_S) - 1


@pytest.mark.parametrize("after_s", [5, 20])
def test_a_jump_is_followed_within_seconds(after_s: int) -> None:
    for seed in range(20):
        demand = np.concatenate([poisson(40, 300, seed), poisson(200, after_s, seed + 100)])
        now = level(demand, WINDOWS_S, 1.0)
        assert WINDOWS_S[now.window] <= after_s
        assert rate_rps(now.mean) == pytest.approx(200, rel=0.2)


def test_the_deviation_is_that_of_the_demand_whatever_its_level_does() -> None:
    """Poisson counts have about 1 on the stabilised scale; four times as many requests in bunches of four have 2."""
    for bunch, expected in ((1, 1.0), (4, 2.0)):
        rising = np.random.default_rng(2).poisson(np.linspace(40, 120, 2000)).astype(float) * bunch
        found = [level(rising[now - 256 : now], WINDOWS_S, expected**2).deviation for now in range(300, 2000, 50)]
        assert np.mean(found) == pytest.approx(expected, rel=0.1)


def test_the_scale_can_be_left_again() -> None:
    rates = np.array([0.0, 0.5, 30, 1e6])
    assert [rate_rps(stable) for stable in stabilised(rates)] == pytest.approx(rates.tolist())


def test_the_asked_share_of_peaks_is_missed_on_steady_demand() -> None:
    assert missed(FITTED, poisson(30, 3000, seed=5)) == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize("rate_per_s", [8, 300])
def test_a_fit_carries_over_to_another_rate(rate_per_s: float) -> None:
    assert missed(FITTED, poisson(rate_per_s, 3000, seed=6)) == pytest.approx(0.05, abs=0.035)


def test_a_higher_quantile_and_a_longer_horizon_ask_for_more() -> None:
    trace = poisson(30, 3000, seed=1)
    forecasts = {
        (horizon_s, quantile): fit(trace, horizon_s, quantile).forecast(trace, horizon_s)
        for horizon_s in (5, 30)
        for quantile in (0.8, 0.99)
    }
    assert forecasts[5, 0.8] < forecasts[5, 0.99]
    assert forecasts[5, 0.8] < forecasts[30, 0.8] < forecasts[30, 0.99]


def test_only_the_longest_window_is_looked_at() -> None:
    demand = poisson(30, 600, seed=7)
    assert FITTED.forecast(demand, 10) == FITTED.forecast(demand[-WINDOWS_S[-1] :], 10)


def test_a_fit_is_a_frozen_value_that_its_trace_decides(tmp_path: Path) -> None:
    trace = poisson(30, 3000, seed=1)
    assert fit(trace) == FITTED
    assert fit(trace[:2000]) != FITTED
    with pytest.raises(ValidationError, match="frozen"):
        FITTED.horizon_s = 20  # type: ignore[misc]


def test_a_fit_is_its_json(tmp_path: Path) -> None:
    path = tmp_path / "forecaster.json"
    write_record(path, FITTED)
    read = read_record(path, Learned, "fit it again")
    assert read == FITTED
    assert read.forecast(poisson(30, 400, seed=8), 10) == FITTED.forecast(poisson(30, 400, seed=8), 10)


def test_another_horizon_than_that_of_the_fit_is_refused() -> None:
    with pytest.raises(BadInputError, match="horizon_s=20: this was fitted to 10 s, fit one to 20 s"):
        FITTED.forecast(np.ones(5), 20)


def test_windows_too_seldom_to_learn_from_take_the_margin_of_a_shorter_one_or_the_largest() -> None:
    """Twenty moments of 1 s, a hundred of 16 s, twenty of 256 s, each 1, 2, … deviations below its peak."""
    chosen = {0: 20, 4: 100, 8: 20}
    levels = [Level(0.0, 2.0, window) for window, count in chosen.items() for _ in range(count)]
    distances = np.array([float(step) for count in chosen.values() for step in range(1, count + 1)])
    found = margins(levels, 2.0 * distances, quantile=0.5, needed=50)
    assert found == (100, 100, 100, 100, 50.5, 50.5, 50.5, 50.5, 50.5)


def test_a_trace_too_short_for_the_quantile_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"a trace of 109 s: the 0\.95 quantile over 10 s needs 110 s"):
        fit(poisson(30, 109, seed=1))
    fit(poisson(30, 110, seed=1))


def test_a_trace_that_never_varies_and_a_quantile_of_0_are_refused() -> None:
    with pytest.raises(BadInputError, match="12 requests/s in every second"):
        fit(np.full(500, 12.0))
    with pytest.raises(BadInputError, match="quantile=0"):
        fit(poisson(30, 500, seed=1), quantile=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"margins": (1.0,)}, "1 margins for 9 windows"),
        ({"windows_s": (2, 1), "margins": (1.0, 1.0)}, "give growing lengths"),
        ({"windows_s": (2, 4), "margins": (1.0, 1.0)}, "the first of 1 s"),
        ({"usual_variance": 0}, "usual_variance"),
    ],
)
def test_a_fit_that_fits_no_trace_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Learned(**FITTED.model_dump() | changes)
