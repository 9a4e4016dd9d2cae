"""The result of a trial for a deadline: met, failed, failed by the load generator, or too few requests to decide."""

import math

import pytest

from profiler.measure.capacity.goal import Goal
from profiler.records.capacity import InTime, Trial

GOAL = Goal(deadline_ms=50.0, latency_ms=10.0, quantile=0.9, seconds=2.0)


def trial(share: float, late: float = 0.0, exploding: bool = False, requests: int = 1000, width: float = 0.01) -> Trial:
    """A trial at 100 requests/s, which are 110 for each inference of the reference."""
    found = InTime(
        deadline_ms=50.0,
        in_time_share=share,
        low_share=max(0.0, share - width),
        high_share=min(1.0, share + width),
        late_send_share=late,
    )
    return Trial(
        offered_per_s=100.0, relative_offered=110.0, requests=requests, lost=0, in_time=(found,),
        exploding=exploding,
    )  # fmt: skip


@pytest.mark.parametrize(("share", "exploding", "met"), [(0.91, False, True), (0.9, False, False), (1.0, True, False)])
def test_a_deadline_is_met_where_the_lower_end_of_the_share_reaches_the_quantile_and_the_queue_is_stable(
    share: float, exploding: bool, met: bool
) -> None:
    assert GOAL.met(trial(share, exploding=exploding)) == met


def test_a_trial_of_another_deadline_neither_meets_nor_decides_the_goal() -> None:
    other = Goal(deadline_ms=20.0, latency_ms=10.0, quantile=0.9, seconds=2.0)
    assert not other.met(trial(1.0))
    assert not other.decided(trial(1.0))


@pytest.mark.parametrize(
    ("share", "late", "is_late"), [(0.5, 0.2, True), (0.5, 0.05, False), (0.95, 0.2, True)]
)  # fmt: skip
def test_a_trial_in_which_the_load_generator_was_late_tells_nothing_whether_it_passed_or_not(
    share: float, late: float, is_late: bool
) -> None:
    assert GOAL.late(trial(share, late)) == is_late


@pytest.mark.parametrize(
    ("requests", "share", "width", "decided"),
    [(44, 0.9, 0.05, True), (43, 0.9, 0.05, False), (10, 0.2, 0.1, True), (10, 0.85, 0.1, False)],
)
def test_few_requests_decide_only_where_the_interval_excludes_the_quantile(
    requests: int, share: float, width: float, decided: bool
) -> None:
    assert GOAL.decided(trial(share, requests=requests, width=width)) == decided


def test_outcomes_are_relative_or_as_offered_and_exclude_trials_with_a_late_load_generator() -> None:
    trials = [trial(0.95), trial(0.5), trial(0.5, late=0.3)]
    assert [(one.rate_per_s, one.met) for one in GOAL.outcomes(trials)] == [(110.0, True), (110.0, False)]
    assert [one.rate_per_s for one in GOAL.outcomes(trials, relative=False)] == [100.0, 100.0]


def test_the_guess_is_the_heavy_traffic_limit() -> None:
    # Kingman: exp(-2 (1 - rho) t mu / rho) = 1 - quantile, where t is the time that a request may wait.
    max_per_s = 200.0
    load = GOAL.guess(max_per_s) / max_per_s
    wait_s = (GOAL.deadline_ms - GOAL.latency_ms) / 1e3
    assert math.exp(-2 * (1 - load) * wait_s * max_per_s / load) == pytest.approx(1 - GOAL.quantile)


@pytest.mark.parametrize(("rate_per_s", "seconds"), [(1000.0, 2.0), (15.0, 88 / 15), (1.0, 8.0)])
def test_a_trial_is_long_enough_for_the_quantile_within_limits(rate_per_s: float, seconds: float) -> None:
    assert GOAL.trial_seconds(rate_per_s) == pytest.approx(seconds)
