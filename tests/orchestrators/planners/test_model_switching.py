"""Model-Switching: effective accuracy from shares in time by load."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from full_profile import item
from made_points import load_point, partly
from made_tasks import TARGET, planning_profile
from numpy.random import default_rng
from pydantic import ValidationError

from orchestrators import Infeasible
from orchestrators.planners.model_switching import Load, Problem, Variant, from_repository, solve
from porting.repository import Repository
from porting.repository.publishing.writer import publish
from profiler.common.errors import BadInputError
from profiler.records.capacity import InTime, LoadPoint

LARGE, SMALL = "digits-large-0000000a", "digits-small-0000000c"


def variant(name: str, accuracy: float, shares: Mapping[float, float], exploding: float | None = None) -> Variant:
    """In time by offered load, the queue exploding from some load on."""
    loads = [
        Load(offered_rps=rps, in_time_share=share, unstable=exploding is not None and rps >= exploding)
        for rps, share in shares.items()
    ]
    return Variant(name=name, accuracy=accuracy, loads=tuple(loads))


def problem(demand_rps: float, *variants: Variant, **changes: Any) -> Problem:
    return Problem(task="digits", variants=variants, demand_rps=demand_rps, deadline_ms=50, **changes)


ACCURATE = variant("accurate", 0.9, {10: 1.0, 50: 0.9, 100: 0.2}, exploding=100)
FAST = variant("fast", 0.7, {50: 1.0, 250: 0.98, 500: 0.6, 550: 0.4}, exploding=550)


def test_the_version_that_answers_best_in_time_is_chosen_by_the_load() -> None:
    chosen = {rps: solve(problem(rps, ACCURATE, FAST)).variant for rps in (0, 10, 50, 55, 60, 100, 500)}
    assert chosen == dict.fromkeys((0, 10, 50, 55), "accurate") | dict.fromkeys((60, 100, 500), "fast")


def test_a_plan_says_what_was_weighed() -> None:
    plan = solve(problem(30, ACCURATE, FAST, cores=2))
    assert plan.in_time_share == pytest.approx(0.95)
    assert plan.objective == pytest.approx(0.9 * 0.95)
    assert plan.effective_accuracy == {"accurate": plan.objective, "fast": pytest.approx(0.7)}
    (deployed,) = plan.deployments
    assert (deployed.variant, deployed.rate_rps, deployed.cores, deployed.replicas) == ("accurate", 30, 2, 1)


def test_between_measured_loads_the_share_is_interpolated() -> None:
    assert FAST.in_time_share(250) == 0.98
    assert FAST.in_time_share(375) == pytest.approx((0.98 + 0.6) / 2)


def test_below_the_lowest_load_the_share_is_at_least_that_one() -> None:
    assert FAST.in_time_share(0) == FAST.in_time_share(1) == FAST.in_time_share(50) == 1.0


def test_above_the_highest_load_nothing_is_sure() -> None:
    stable = variant("stable", 0.9, {10: 1.0, 20: 0.99})
    assert stable.in_time_share(20) == 0.99
    assert stable.in_time_share(20.001) == 0


def test_where_the_queue_explodes_nothing_counts_unless_literally() -> None:
    assert ACCURATE.in_time_share(100) == 0
    assert ACCURATE.in_time_share(75) == pytest.approx(0.45)
    assert ACCURATE.in_time_share(100, literal=True) == 0.2
    assert ACCURATE.in_time_share(75, literal=True) == pytest.approx(0.55)
    assert solve(problem(58, ACCURATE, FAST)).variant == "fast"
    assert solve(problem(58, ACCURATE, FAST, literal=True)).variant == "accurate"


def test_of_equals_the_larger_share_in_time_is_chosen_then_the_first() -> None:
    rare, quick = variant("rare", 0.8, {10: 0.5}), variant("quick", 0.5, {10: 0.8})
    assert solve(problem(10, rare, quick)).variant == "quick"
    assert solve(problem(10, quick, quick.model_copy(update={"name": "same"}))).variant == "quick"


def test_no_version_beats_the_chosen_one_at_any_load() -> None:
    for seed in range(200):
        dice = default_rng(seed)
        variants = [
            variant(
                f"v{one}",
                dice.uniform(0.1, 1),
                dict(zip(sorted(dice.uniform(1, 99, 5)), sorted(dice.uniform(0, 1, 5), reverse=True), strict=True)),
                exploding=dice.uniform(50, 150),
            )
            for one in range(dice.integers(1, 5))
        ]
        demand_rps = dice.uniform(0, 110)
        best = max(one.accuracy * one.in_time_share(demand_rps) for one in variants)
        if best == 0:
            with pytest.raises(Infeasible):
                solve(problem(demand_rps, *variants))
        else:
            assert solve(problem(demand_rps, *variants)).objective == best


def test_more_load_is_never_served_better() -> None:
    values = [solve(problem(rps, ACCURATE, FAST)).objective for rps in range(0, 550, 7)]
    assert values == sorted(values, reverse=True)


def test_demand_above_everything_is_infeasible_and_says_what_is_not() -> None:
    message = r"load: .* within 50 ms at 600 requests/s, .* in time is 500 of fast: lower the demand"
    with pytest.raises(Infeasible, match=message):
        solve(problem(600, ACCURATE, FAST))
    with pytest.raises(Infeasible, match=r"deadline: .* within 50 ms at any measured load"):
        solve(problem(10, variant("slow", 0.9, {10: 0.0})))


def test_demand_below_a_load_that_is_borne_is_not_to_be_lowered() -> None:
    odd = variant("odd", 0.9, {10: 0.0, 20: 1.0})
    message = (
        r"sweep: .* within 50 ms at 5 requests/s, where the measured share in time is 0 and yet above 0 at 20 of odd: "
        r"measure the loads again, or allow more time"
    )
    with pytest.raises(Infeasible, match=message):
        solve(problem(5, odd))
    with pytest.raises(Infeasible, match=r"load: .* in time is 20 of odd: lower the demand"):
        solve(problem(21, odd))


def test_versions_that_are_never_right_are_not_called_late() -> None:
    wrong = variant("wrong", 0.0, {10: 1.0})
    with pytest.raises(Infeasible, match="accuracy: every version of digits has an accuracy of 0: publish a version"):
        solve(problem(5, wrong))
    slow = variant("slow", 0.9, {10: 0.0})
    with pytest.raises(Infeasible, match="deadline: no version of digits with an accuracy above 0 answers"):
        solve(problem(5, wrong, slow))


def test_a_problem_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValidationError, match="loads of 'one': 10 requests/s come after 20; give every rate once"):
        variant("one", 0.9, {20: 1.0, 10: 1.0})
    with pytest.raises(ValidationError, match="variants named twice: fast"):
        problem(10, FAST, FAST)
    with pytest.raises(ValidationError, match="at least 1 item"):
        problem(10)
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        problem(-1, FAST)


def swept(multiple: float, capacity_rps: float, own_ms: float, **changes: Any) -> tuple[LoadPoint, ...]:
    """A sweep whose only deadline is a multiple of the own latency, as a profile has it."""
    points = []
    for share in (0.1, 0.5, 0.9, 1.1):
        found = partly(
            InTime,
            deadline_ms=multiple * own_ms, in_time_share=1 - share / 10, low_share=0, high_share=1, late_send_share=0,
        )  # fmt: skip
        figures: dict[str, Any] = {
            "offered_per_s": share * capacity_rps,
            "in_time": [found],
            "p50_ms": own_ms * (1 + share),
            "p90_ms": own_ms * (2 + 2 * share),
        }
        values = load_point(share).model_dump() | figures | changes
        reasons = {name: "too few requests" for name, value in values.items() if value is None}
        points.append(LoadPoint.model_validate(values | {"reasons": reasons}))
    return tuple(points)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A version of about 22 ms alone and 50 requests/s at most, and one of 1.5 ms and 700."""
    folder: Path = tmp_path_factory.mktemp("digits")
    sweeps = {LARGE: (0.96, 60, swept(5, 50, 20.0)), SMALL: (0.8, 900, swept(5, 700, 1.5))}
    items = [
        item(name, planning_profile(images_per_s, load=load), folder, accuracy)
        for name, (accuracy, images_per_s, load) in sweeps.items()
    ]
    return publish(folder / "repository", items)


def asked(repository: Repository, deadline_ms: float, demand_rps: float = 10.0, **changes: Any) -> Problem:
    about: dict[str, Any] = {"task": "digits", "target": TARGET, "demand_rps": demand_rps, "deadline_ms": deadline_ms}
    return from_repository(repository, **about | changes)


def test_shares_in_time_are_read_by_load_as_offered(digits: Repository) -> None:
    large, small = asked(digits, 100).variants
    assert [one.offered_rps for one in large.loads] == pytest.approx([5, 25, 45, 55])
    assert [one.in_time_share for one in large.loads] == pytest.approx([0.99, 0.95, 0.91, 0.89])
    assert [one.unstable for one in large.loads] == [False, False, False, True]
    assert (large.name, large.accuracy, small.name, small.accuracy) == (LARGE, 0.96, SMALL, 0.8)


def test_a_repository_is_enough_for_a_plan(digits: Repository) -> None:
    assert solve(asked(digits, 100, 10)).variant == LARGE
    assert solve(asked(digits, 100, 300)).variant == SMALL
    with pytest.raises(Infeasible, match=f"in time is 630 of {SMALL}"):
        solve(asked(digits, 100, 800))


def test_between_measured_deadlines_and_percentiles_the_share_is_interpolated(digits: Repository) -> None:
    def first_share(deadline_ms: float) -> float:
        return asked(digits, deadline_ms).variants[0].loads[0].in_time_share

    # At a tenth of the load: half in 22 ms, .9 in 44 ms, .99 in 100 ms.
    assert first_share(44) == pytest.approx(0.9)
    assert first_share(33) == pytest.approx(0.7)
    assert first_share(72) == pytest.approx(0.945)


def test_beyond_the_longest_deadline_at_least_its_share_is_in_time(digits: Repository) -> None:
    assert asked(digits, 1e4).variants == asked(digits, 100).variants


def test_before_half_of_the_answers_none_counts(digits: Repository) -> None:
    large, small = asked(digits, 20).variants
    assert [one.in_time_share for one in large.loads] == [0, 0, 0, 0]
    assert small.loads[0].in_time_share == pytest.approx(0.99)
    assert solve(asked(digits, 20, 1)).variant == SMALL


def test_on_a_share_of_the_cores_everything_takes_as_much_longer(digits: Repository) -> None:
    half, whole = asked(digits, 100, share=0.5).variants, asked(digits, 50).variants
    for slow, fast in zip(half, whole, strict=True):
        assert [one.in_time_share for one in slow.loads] == pytest.approx([one.in_time_share for one in fast.loads])
        assert [one.offered_rps for one in slow.loads] == pytest.approx([one.offered_rps / 2 for one in fast.loads])
    assert solve(asked(digits, 100, 30)).variant == LARGE
    assert solve(asked(digits, 100, 30, share=0.5)).variant == SMALL


def test_a_deadline_shorter_than_what_was_measured_is_refused_with_what_was(tmp_path: Path) -> None:
    few = swept(5, 50, 20.0, p50_ms=None, p90_ms=None)
    made = publish(tmp_path / "repository", [item(LARGE, planning_profile(60, load=few), tmp_path, 0.96)])
    message = (
        rf"deadline_ms=50 was not measured of {LARGE} at 5 requests/s, but 99.0% within 100 ms: choose 100 or more, "
        r"or run profile=full profile.capacity.deadlines_ms=\[50\]"
    )
    with pytest.raises(BadInputError, match=message):
        asked(made, 50)
    # One request alone takes longer: to measure that would show nothing.
    assert [one.in_time_share for one in asked(made, 20).variants[0].loads] == [0, 0, 0, 0]


def test_without_a_sweep_the_message_says_what_makes_one(tmp_path: Path) -> None:
    made = publish(tmp_path / "repository", [item(LARGE, planning_profile(60, load=()), tmp_path, 0.96)])
    with pytest.raises(BadInputError, match=rf"{LARGE} has no share in time: .*profile=full target={TARGET} measures"):
        asked(made, 50)


def test_an_unknown_task_is_refused_with_the_choices(digits: Repository) -> None:
    with pytest.raises(BadInputError, match="unknown task 'mnist': choices are digits"):
        asked(digits, 100, task="mnist")
