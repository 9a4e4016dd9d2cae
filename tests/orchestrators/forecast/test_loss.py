"""How forecasts are judged."""

import numpy as np
import pytest

from orchestrators.forecast import LastValue, WindowedMaximum, mean_loss, peaks, pinball
from profiler.common.errors import BadInputError


def test_peaks_are_the_highest_of_the_seconds_ahead() -> None:
    assert peaks(np.array([1.0, 5, 2, 3, 0]), 2).tolist() == [5, 5, 3, 3]
    assert peaks(np.array([1.0, 5, 2]), 3).tolist() == [5]


def test_too_little_costs_the_quantile_and_too_much_the_rest() -> None:
    assert pinball(np.array([10.0, 10, 10]), np.array([12.0, 10, 8]), 0.95).tolist() == pytest.approx([1.9, 0, 0.1])


def test_the_pinball_loss_is_least_at_the_quantile() -> None:
    values = np.random.default_rng(0).normal(50, 10, 20_000)
    tried = np.linspace(40, 90, 501)
    losses = [pinball(np.full_like(values, one), values, 0.95).mean() for one in tried]
    assert tried[np.argmin(losses)] == pytest.approx(np.quantile(values, 0.95), abs=0.2)


def test_a_forecaster_is_judged_on_the_seconds_after_those_it_saw() -> None:
    """After 2, 3 and 4 seconds the last values are 2, 3 and 4; the peaks over the two seconds ahead are 4, 5 and 6."""
    rising = np.array([1.0, 2, 3, 4, 5, 6])
    assert mean_loss(LastValue(), rising, 2, 0.9, start_s=2) == pytest.approx(0.9 * 2)
    assert mean_loss(WindowedMaximum(margin=3), rising, 2, 0.9, start_s=4) == pytest.approx(0.1 * 10)


@pytest.mark.parametrize("start_s", [0, 5])
def test_a_start_that_leaves_nothing_to_see_or_to_judge_is_refused(start_s: int) -> None:
    with pytest.raises(BadInputError, match=rf"start_s={start_s}: .* give 1 to 4"):
        mean_loss(LastValue(), np.ones(6), 2, 0.9, start_s)


def test_a_horizon_beyond_the_demand_and_a_quantile_of_1_are_refused() -> None:
    with pytest.raises(BadInputError, match="a horizon of 7 s over a demand of 6 s"):
        peaks(np.ones(6), 7)
    with pytest.raises(BadInputError, match=r"quantile=1\.0"):
        mean_loss(LastValue(), np.ones(6), 2, 1.0)
