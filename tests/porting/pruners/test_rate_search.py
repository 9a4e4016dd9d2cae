"""From a wanted throughput to a network: quickly where time is linear, and honestly where it is not to be had."""

import math
from collections.abc import Callable

import pytest

from porting.pruners.rate_search import Try, search
from profiler.common.errors import BadInputError

WHOLE = Try(1.0, 100.0)


def linear(overhead: float) -> Callable[[float], float]:
    """A part of the time does not shrink with the network."""
    return lambda share: 100.0 / (overhead + (1 - overhead) * share)


@pytest.mark.parametrize("overhead", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("speed_up", [1.2, 2, 3, 4])
def test_a_rate_that_can_be_had_is_met_within_five_percent(overhead: float, speed_up: float) -> None:
    tries = search(linear(overhead), WHOLE, speed_up * 100, least_share=0.01)
    assert tries[-1].images_per_s == pytest.approx(speed_up * 100, rel=0.05)
    assert len(tries) <= 4


def test_a_staircase_is_met_where_a_step_of_it_is_near() -> None:
    def stairs(share: float) -> float:
        return 100.0 / (0.1 + 0.9 * math.ceil(share * 40) / 40)

    for wanted in (150, 220, 310, 420):
        assert search(stairs, WHOLE, wanted, least_share=0.01)[-1].off(wanted) <= 0.05


def test_where_no_step_is_near_the_nearest_is_given_with_what_was_tried() -> None:
    def two_steps(share: float) -> float:
        return 100.0 if share > 0.4 else 300.0

    tries = search(two_steps, WHOLE, 200, least_share=0.01)
    assert tries[-1].off(200) == 0.5
    assert len(tries) <= 8
    assert {one.images_per_s for one in tries} == {100.0, 300.0}


def test_more_than_the_smallest_network_gives_says_how_far_one_gets() -> None:
    with pytest.raises(BadInputError, match=r"1,000 images/s cannot be reached .* network gives 400, 4\.00"):
        search(linear(0.2), WHOLE, 1000, least_share=0.0625)


def test_a_network_that_is_quicker_already_than_was_asked_is_measured_once_as_it_is() -> None:
    tries = search(linear(0.0), WHOLE, 200, least_share=0.01, most_share=0.4)
    assert tries == [Try(0.4, 250.0)]


def test_what_is_measured_shrinks_towards_the_target_from_the_whole_network() -> None:
    shares = []

    def measure(share: float) -> float:
        shares.append(share)
        return linear(0.2)(share)

    search(measure, WHOLE, 300, least_share=0.01)
    assert shares[0] == pytest.approx(1 / 3)
    assert all(share < shares[0] for share in shares[1:])
