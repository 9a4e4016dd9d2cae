"""What every forecaster promises, and the two that learn nothing."""

import numpy as np
import pytest
from pydantic import ValidationError

from orchestrators.forecast import Forecaster, LastValue, WindowedMaximum, fit
from profiler.common.errors import BadInputError

SEEN = np.array([9.0, 4, 7, 1])
FORECASTERS: list[Forecaster] = [
    LastValue(),
    WindowedMaximum(),
    fit(np.random.default_rng(0).poisson(30, 200).astype(float)),
]
every_forecaster = pytest.mark.parametrize("forecaster", FORECASTERS, ids=lambda one: type(one).__name__)


def test_the_last_value_is_the_last_second_again() -> None:
    assert LastValue().forecast(SEEN, 10) == 1


def test_a_windowed_maximum_is_the_highest_of_the_window_with_its_margin() -> None:
    assert WindowedMaximum(window_s=3, margin=0.5).forecast(SEEN, 10) == 10.5
    assert WindowedMaximum(window_s=4, margin=0).forecast(SEEN, 10) == 9
    assert WindowedMaximum(window_s=1, margin=0).forecast(SEEN, 10) == 1


def test_a_window_longer_than_the_past_takes_all_there_is() -> None:
    assert WindowedMaximum(window_s=60, margin=0).forecast(SEEN, 10) == 9


@pytest.mark.parametrize("changes", [{"window_s": 0}, {"margin": -1}, {"margin": float("nan")}])
def test_a_windowed_maximum_without_a_window_or_below_0_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        WindowedMaximum.model_validate(changes)


@every_forecaster
def test_a_forecast_is_a_finite_rate_whatever_was_seen(forecaster: Forecaster) -> None:
    for seen in ([0.0], [5.0], [0.0] * 500, [0.0, 1e6], [1e6, 0.0], [0.3, 0.4, 0.1], [1e9] * 300):
        rate = forecaster.forecast(np.array(seen), 10)
        assert isinstance(rate, float)
        assert 0 <= rate < 1e10


@every_forecaster
def test_no_demand_for_minutes_foresees_none(forecaster: Forecaster) -> None:
    assert forecaster.forecast(np.array([40.0] * 60 + [0.0] * 300), 10) == 0


@every_forecaster
def test_a_forecast_before_anything_was_seen_is_refused(forecaster: Forecaster) -> None:
    with pytest.raises(BadInputError, match="there is no demand yet"):
        forecaster.forecast(np.array([]), 10)


@every_forecaster
def test_a_horizon_or_a_demand_that_is_none_is_refused(forecaster: Forecaster) -> None:
    with pytest.raises(BadInputError, match="a horizon of 0 s"):
        forecaster.forecast(SEEN, 0)
    with pytest.raises(BadInputError, match="a demand of -1 requests/s"):
        forecaster.forecast(np.array([3.0, -1.0]), 10)
