"""The search for the highest rate in time, on a queue whose capacity can be computed."""

from dataclasses import replace
from typing import Unpack

import numpy as np
import pytest
from narrowing import known
from simulated_queue import MAX_PER_S, SERVICE_S, Disturbances, simulate, simulated

from profiler.analysis.capacity_search import Bracket
from profiler.measure.capacity.bisection import judge, measure_capacity
from profiler.measure.capacity.goal import Goal
from profiler.measure.capacity.trial_meter import Maximum
from profiler.records.capacity import Capacity, InTime, Trial

GOAL = Goal(deadline_ms=50.0, latency_ms=10.0, quantile=0.9, seconds=40.0)


def search(goal: Goal = GOAL, **disturbances: Unpack[Disturbances]) -> Capacity:
    return measure_capacity(simulated(goal.deadline_ms, **disturbances), goal, [])


def share_in_time(rate_per_s: float) -> float:
    """Of a long simulation."""
    run = simulate(rate_per_s, 2000.0, SERVICE_S, seed=99)
    return run.in_time(GOAL.deadline_ms / 1e3) / len(run.sent_s)


def test_the_search_finds_the_capacity_of_a_known_queue() -> None:
    found = search()
    assert found.verdict == "settled", found.verdict_reason
    assert share_in_time(known(found.low_relative_capacity) * 0.95) > GOAL.quantile
    assert share_in_time(known(found.high_relative_capacity) * 1.05) < GOAL.quantile
    assert found.max_throughput_share == pytest.approx(known(found.relative_capacity) / MAX_PER_S)


def test_every_trial_and_its_raw_moments_are_kept() -> None:
    meter = simulated(GOAL.deadline_ms)
    found = measure_capacity(meter, GOAL, [])
    assert len(found.trials) == meter.tried == len(meter.model.samples)
    for trial, raw in zip(found.trials, meter.model.samples.values(), strict=True):
        scheduled_s, _, answered_s = raw.T
        in_time = np.mean(answered_s - scheduled_s <= GOAL.deadline_ms / 1e3)
        assert trial.in_time[0].in_time_share == pytest.approx(in_time)
        assert trial.in_time[0].low_share < in_time < trial.in_time[0].high_share


def test_trials_that_are_known_are_not_made_again() -> None:
    first, meter = search(), simulated(GOAL.deadline_ms)
    second = measure_capacity(meter, GOAL, first.trials)
    assert meter.tried == 0
    assert second.relative_capacity == first.relative_capacity


def test_trials_with_other_deadlines_say_nothing_of_this_one() -> None:
    meter = simulated(GOAL.deadline_ms)
    measure_capacity(meter, GOAL, search(replace(GOAL, deadline_ms=51.0)).trials)
    assert meter.tried > 0


def test_known_trials_of_too_few_requests_do_not_count() -> None:
    few = [
        simulated(GOAL.deadline_ms).run(rate, seconds, seed=0).trial for rate, seconds in ((150.0, 0.03), (40.0, 0.2))
    ]
    for one in few:
        assert GOAL.of(one) is not None
        assert not GOAL.decided(one)
    found = measure_capacity(simulated(GOAL.deadline_ms), GOAL, few)
    assert found.relative_capacity == search().relative_capacity


def test_a_disturbed_trial_does_not_hide_the_capacity() -> None:
    quiet, disturbed = search(), search(spoilt=[1])
    assert disturbed.relative_capacity == pytest.approx(quiet.relative_capacity, rel=0.15)


def test_too_few_requests_for_the_quantile_leave_it_unsettled() -> None:
    found = search(replace(GOAL, quantile=0.99, seconds=2.0))
    assert found.verdict == "unsettled"
    assert found.verdict_reason.startswith("p99 needs 459 requests in a trial, ")


def test_a_trial_lasts_as_long_as_the_quantile_needs_within_limits() -> None:
    goal = replace(GOAL, quantile=0.99, seconds=2.0)
    assert [goal.trial_seconds(rate) for rate in (918.0, 306.0, 10.0)] == [2.0, 3.0, 8.0]


def test_a_load_generator_that_is_late_itself_is_named_as_the_limit() -> None:
    found = search(late_s=1.0)
    assert (found.verdict, found.requests_per_s) == ("not saturated", None)
    assert "the load generator was late itself" in found.verdict_reason
    assert len(found.trials) == 3


def test_a_deadline_that_no_rate_meets_has_no_capacity_and_says_so() -> None:
    found = search(replace(GOAL, deadline_ms=5.0, latency_ms=4.0))
    assert (found.verdict, found.requests_per_s) == ("unsettled", None)
    assert found.reasons["requests_per_s"] == "no rate met the deadline"


def test_a_deadline_longer_than_the_trials_cannot_be_met_by_an_exploding_queue() -> None:
    found = search(replace(GOAL, deadline_ms=1e6))
    assert found.relative_capacity == pytest.approx(MAX_PER_S, rel=0.1)
    assert all(one.in_time[0].in_time_share == 1 for one in found.trials)


def test_a_server_that_was_taken_for_slower_than_it_is_is_not_saturated() -> None:
    meter = simulated(GOAL.deadline_ms)
    meter.most = Maximum(MAX_PER_S / 10, MAX_PER_S / 10)
    found = measure_capacity(meter, GOAL, [])
    assert (found.verdict, found.high_requests_per_s) == ("not saturated", None)
    assert known(found.requests_per_s) > MAX_PER_S / 10


def trial(rate_per_s: float, share: float, late: float = 0.0) -> Trial:
    """A trial of many requests at the reference speed; `late` is the share that the load generator sent late."""
    found = InTime(
        deadline_ms=GOAL.deadline_ms, in_time_share=share, low_share=share - 0.01, high_share=share + 0.01,
        late_send_share=late,
    )  # fmt: skip
    return Trial(
        offered_per_s=rate_per_s, relative_offered=rate_per_s, requests=1000, lost=0, in_time=(found,),
        exploding=False,
    )  # fmt: skip


@pytest.mark.parametrize(("failed_per_s", "verdict"), [(109.0, "settled"), (111.0, "unsettled")])
def test_a_capacity_is_settled_where_the_lowest_rate_that_failed_is_at_most_a_tenth_above_it(
    failed_per_s: float, verdict: str
) -> None:
    found = Bracket(best=100.0, low=100.0, high=failed_per_s)
    assert judge(found, GOAL, [trial(100.0, 0.95), trial(failed_per_s, 0.5)], 1.0)[0] == verdict


def test_a_late_load_generator_is_no_limit_where_the_server_itself_failed_at_a_lower_rate() -> None:
    trials = [trial(100.0, 0.95), trial(105.0, 0.5), trial(120.0, 0.5, late=0.3)]
    assert judge(Bracket(best=100.0, low=100.0, high=105.0), GOAL, trials, 1.0)[0] == "settled"
