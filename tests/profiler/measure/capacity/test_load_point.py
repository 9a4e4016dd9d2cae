"""What a load point says of latency, CPU and the queue, and what it leaves open."""

from dataclasses import replace
from typing import Unpack

import pytest
from narrowing import known
from simulated_queue import SERVICE_S, Disturbances, simulated

from profiler.measure.capacity.load_point import generator_was_late, judge, measure_load
from profiler.records.capacity import InTime, LoadPoint


def at_load(load_share: float, seconds: float = 40.0, **disturbances: Unpack[Disturbances]) -> LoadPoint:
    return measure_load(simulated(50.0, **disturbances), load_share, seconds, 0.9, seed=0)


def test_a_load_point_tells_what_became_of_the_requests() -> None:
    found = at_load(0.5)
    assert (found.load_share, found.offered_per_s) == (0.5, 50.0)
    assert found.requests == pytest.approx(2000, rel=0.1)
    assert (found.answered, found.lost) == (found.requests, 0)
    assert SERVICE_S * 1e3 <= known(found.p50_ms) <= known(found.p90_ms) <= known(found.p95_ms) <= known(found.p99_ms)
    assert found.core_s_per_inference == pytest.approx(SERVICE_S)
    assert found.cpu_share == pytest.approx(0.5, rel=0.1)
    assert found.exploding is False
    assert found.verdict == "settled"


def test_above_the_maximum_the_queue_explodes_and_nearly_nothing_is_in_time() -> None:
    found = at_load(1.2)
    assert found.exploding is True
    assert known(found.low_slope) > 0
    assert found.in_time[0].in_time_share < 0.1


def test_percentiles_that_fall_among_lost_requests_are_null_with_the_reason() -> None:
    found = at_load(0.5, lost=150)
    assert (found.lost, found.answered) == (150, found.requests - 150)
    assert found.p90_ms is not None
    assert (found.p95_ms, found.reasons["p95_ms"]) == (None, f"150 of {found.requests} requests were lost")
    assert found.in_time[0].in_time_share <= 1 - 150 / found.requests


def test_percentiles_without_enough_requests_are_null_with_the_reason() -> None:
    found = at_load(0.5, seconds=4.0)
    assert found.p95_ms is not None
    assert found.reasons["p99_ms"] == f"p99 needs 459 samples, {found.requests} were taken"


def test_a_load_generator_that_is_late_leaves_its_point_unsettled() -> None:
    found = at_load(0.5, late_s=0.02)
    assert found.verdict == "unsettled"
    assert found.verdict_reason == "the load generator was the limit: it was late for 100.0% of requests"


def test_shares_of_few_requests_leave_the_point_unsettled() -> None:
    found = at_load(0.5, seconds=0.4)
    assert found.verdict == "unsettled"
    assert "95 % intervals" in found.verdict_reason


def test_a_load_that_leaves_the_queue_undecided_says_why_also_as_a_trial() -> None:
    found = at_load(3.0, seconds=0.1)
    assert found.exploding is None
    assert found.trial().reasons == {"exploding": f"a slope needs 40 requests, {found.requests} were sent"}
    assert found.trial().requests == found.requests


def test_lost_requests_leave_the_point_unsettled() -> None:
    found = at_load(0.5, lost=1)
    assert (found.verdict, found.verdict_reason.split()[0]) == ("unsettled", "1")


def test_the_width_of_a_share_counts_to_either_side() -> None:
    # All of n in time: the interval of Clopper and Pearson begins at 0.025 ** (1 / n).
    found = at_load(0.3, seconds=2.0)
    assert found.in_time[0].in_time_share == found.in_time[0].high_share == 1.0
    assert found.in_time[0].low_share == pytest.approx(0.025 ** (1 / found.requests))
    assert found.verdict == "settled"


@pytest.mark.parametrize(("drift_share", "verdict"), [(0.15, "settled"), (0.25, "unsettled"), (-0.25, "unsettled")])
def test_a_machine_that_changed_its_speed_leaves_the_point_unsettled(drift_share: float, verdict: str) -> None:
    measured = replace(simulated(50.0).run(50.0, 40.0, seed=0), drift_share=drift_share)
    assert judge(measured, 0.9)[0] == verdict


@pytest.mark.parametrize(("late_share", "late"), [(0.05, False), (0.15, True)])
def test_more_late_sends_than_may_be_late_answers_are_the_load_generator_s_limit(late_share: float, late: bool) -> None:
    in_time = InTime(deadline_ms=50.0, in_time_share=0.8, low_share=0.7, high_share=0.9, late_send_share=late_share)
    assert generator_was_late(in_time, 0.9) == late
