"""Unstable queues are distinguished from full ones, on queues of known load."""

from dataclasses import replace

import numpy as np
import pytest
from narrowing import known
from simulated_queue import simulate

from profiler.analysis.capacity_search import growth
from profiler.load_generator.open_loop import OpenRun

SERVICE_S = 0.005
SEEDS = range(20)


def at_load(load: float, seed: int, instances: int = 1) -> OpenRun:
    return simulate(load * instances / SERVICE_S, 1.5, SERVICE_S, seed, instances)


@pytest.mark.parametrize("instances", [1, 2])
def test_a_queue_explodes_above_the_capacity_and_not_below(instances: int) -> None:
    for load, unstable in ((0.1, False), (0.5, False), (0.8, False), (1.2, True)):
        found = [growth(at_load(load, seed, instances), instances).unstable for seed in SEEDS]
        assert found == [unstable] * len(SEEDS), load


def test_a_queue_that_is_only_filling_up_is_seldom_called_unstable() -> None:
    # At seven tenths of the capacity the arrivals of three seconds exceed it once in a thousand times.
    slow_s = 0.02
    found = [growth(simulate(0.7 / slow_s, 3.0, slow_s, seed), 1) for seed in range(200)]
    growing, unstable = sum(known(one.low) > 0 for one in found), sum(one.unstable is True for one in found)
    assert growing > 10
    assert unstable <= growing / 2


def test_the_slope_of_an_unstable_queue_is_the_excess_of_its_load() -> None:
    found = [growth(at_load(1.5, seed), 1) for seed in SEEDS]
    assert np.median([one.slope for one in found]) == pytest.approx(0.5, abs=0.05)
    assert all(known(one.low) <= known(one.slope) <= known(one.high) for one in found)


def test_one_stall_does_not_make_a_queue_explode() -> None:
    run = at_load(0.3, seed=0)
    stalled = (run.scheduled_s > 1.2) & (run.scheduled_s < 1.3)
    late = replace(run, answered_s=np.where(stalled, 1.3 + run.scheduled_s / 100, run.answered_s))
    assert growth(late, 1).unstable is False


def test_what_was_lost_counts_as_answered_when_the_wait_for_it_ended() -> None:
    run = at_load(0.3, seed=0)
    lost = replace(run, answered_s=np.full(len(run.sent_s), np.nan), wall_s=9.0)
    # The later it was due, the less it had to wait until then.
    assert growth(lost, 1).slope == pytest.approx(-1, abs=0.05)


def test_too_few_requests_have_no_slope_and_say_so() -> None:
    run = simulate(10, 1.5, SERVICE_S, 0)
    found = growth(run, 1)
    assert (found.slope, found.low, found.high) == (None, None, None)
    assert found.why == f"a slope needs 40 requests, {len(run.sent_s)} were sent"
    assert found.unstable is False


def test_requests_that_were_given_up_are_an_explosion() -> None:
    run = at_load(1.5, seed=0)
    sent_s = np.where(run.scheduled_s < 1.0, run.sent_s, np.nan)
    assert growth(replace(run, sent_s=sent_s), 1).unstable is True


def test_a_queue_at_its_capacity_may_stay_undecided_with_the_reason() -> None:
    undecided = [one for seed in range(60) if (one := growth(at_load(1.0, seed), 1)).unstable is None]
    assert undecided
    assert all("contains 0" in one.why for one in undecided)
