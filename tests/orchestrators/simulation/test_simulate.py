"""A policy in the loop: what it sees, how a change goes, what becomes of the requests, and what is counted."""

import numpy as np
import pytest
from made_variants import TASK, Made, Told, deployment, even, poisson

from orchestrators.deployment import Deployment
from orchestrators.policies import Mechanism
from orchestrators.simulation import Box, Result, Settings, simulate
from profiler.common.errors import BadInputError

SLOW, QUICK = Made(accuracy=0.9, fixed_s=0.04), Made(accuracy=0.6, fixed_s=0.01)
VARIANTS = {(TASK, "slow"): SLOW, (TASK, "quick"): QUICK, (TASK, "heavy"): Made(loads_s=5.0)}
ROOMY = Box(cores=100)


def run(policy: Told, rate_rps: float = 20, seconds: int = 20, box: Box = ROOMY, **settings: float) -> Result:
    asked = Settings.model_validate({"seconds": seconds, "deadline_ms": 100, **settings})
    return simulate(VARIANTS, {TASK: even(rate_rps, seconds)}, policy, box, asked)


def test_every_request_is_answered_by_what_was_planned() -> None:
    found = run(Told({0: [deployment("slow")]}))
    assert (found.all_tasks.sent, found.all_tasks.answered, found.all_tasks.late) == (400, 400, 0)
    assert found.all_tasks.accuracy == pytest.approx(0.9)
    assert found.all_tasks.p50_ms == pytest.approx(40)
    assert found.cpu_share == pytest.approx(20 * 0.04 / 100, rel=0.001)
    assert found.serving == {TASK: ((0.0, ("slow",)),)}


def test_the_old_variant_answers_until_the_new_one_is_up() -> None:
    found = run(Told({0: [deployment("slow")], 10: [deployment("quick")]}))
    assert found.serving[TASK] == ((0.0, ("slow",)), (10.5, ("quick",)))
    assert found.all_tasks.switches == 1
    accuracy = found.series[TASK].accuracy
    assert [accuracy[second] for second in (9, 10, 11)] == pytest.approx([0.9, 0.75, 0.6])


def test_a_decision_is_taken_from_the_past_alone() -> None:
    policy = Told({0: [deployment("slow")]}, Mechanism(interval_s=5))
    run(policy, seconds=12)
    assert [len(observation.demand_rps[TASK]) for observation in policy.seen] == [0, 5, 10]
    assert policy.seen[2].demand_rps[TASK].tolist() == [20] * 10
    assert policy.seen[2].used_cores[TASK][1:] == pytest.approx([0.8] * 9)
    assert policy.seen[2].cpu_share[1:] == pytest.approx([0.008] * 9)
    assert policy.seen[2].deployments == [deployment("slow")]


def test_what_a_slow_variant_has_taken_it_answers_itself() -> None:
    found = run(Told({0: [deployment("slow")], 5: [deployment("quick")]}), rate_rps=50, seconds=20)
    # 50/s of which it answers 25/s until it is replaced after 5.5 s.
    assert found.all_tasks.answered == found.all_tasks.sent
    slow = sum(one is not None and one > 0.8 for one in found.series[TASK].accuracy)
    assert slow == 5
    assert found.all_tasks.accuracy == pytest.approx((0.9 * 275 + 0.6 * 725) / 1000)


@pytest.mark.parametrize("seed", range(20))
def test_no_change_ever_loses_a_request(seed: int) -> None:
    generator = np.random.default_rng(seed)

    def plan() -> list[Deployment]:
        variants = generator.choice(["slow", "quick"], generator.integers(1, 3), replace=False)
        return [
            deployment(
                str(one),
                replicas=int(generator.integers(1, 4)),
                cores=float(generator.choice([1.0, 2.0])),
                batch=int(generator.choice([1, 4])),
                rate_rps=float(generator.integers(0, 3)),
            )
            for one in variants
        ]

    plans = {second: plan() for second in range(60) if second == 0 or generator.random() < 0.5}
    mechanism = Mechanism(interval_s=1, in_place=bool(seed % 2))
    asked = Settings(seconds=60, deadline_ms=100, drain_s=60, seed=seed)
    found = simulate(VARIANTS, {TASK: poisson(24, 60, seed)}, Told(plans, mechanism), Box(cores=2), asked)
    assert found.all_tasks.sent == len(poisson(24, 60, seed)) > 1000
    assert found.all_tasks.lost == 0
    assert len(found.serving[TASK]) > 1


def test_what_is_never_answered_is_lost_and_the_rest_adds_up() -> None:
    found = run(Told({0: [deployment("slow")]}), rate_rps=50, seconds=20, drain_s=2)
    assert found.all_tasks.answered == 22 * 25 - 1
    assert (found.all_tasks.sent, found.all_tasks.lost) == (1000, 1000 - (22 * 25 - 1))
    assert found.all_tasks.in_time_share == pytest.approx(1 - (found.all_tasks.late + found.all_tasks.lost) / 1000)


def test_late_answers_count_for_accuracy_and_not_for_effective_accuracy() -> None:
    found = run(Told({0: [deployment("slow")]}), rate_rps=50, seconds=20, drain_s=100)
    assert found.all_tasks.accuracy == pytest.approx(0.9)
    assert found.all_tasks.in_time_share is not None
    assert 0 < found.all_tasks.in_time_share < 0.1
    assert found.all_tasks.effective_accuracy == pytest.approx(0.9 * found.all_tasks.in_time_share)


def test_a_task_of_which_nothing_is_sent_has_no_accuracy_and_says_why() -> None:
    found = run(Told({0: [deployment("slow")]}), rate_rps=0)
    assert found.all_tasks.accuracy is None
    assert found.all_tasks.reasons["accuracy"] == "nothing was sent"


def test_replicas_of_what_answers_already_join_as_they_come_up() -> None:
    plans = {0: [deployment("slow")], 5: [deployment("slow", replicas=2)]}
    found = run(Told(plans), rate_rps=50, seconds=20)
    assert found.all_tasks.switches == 0
    assert found.all_tasks.answered == found.all_tasks.sent
    assert found.held_cores_by_second == pytest.approx([1.0] * 5 + [2.0] * 15)


def test_a_plan_that_changes_its_mind_stops_the_load() -> None:
    slow, quick = [deployment("slow")], [deployment("quick")]
    found = run(Told({0: slow, 2: [deployment("heavy")], 4: quick}), seconds=10)
    assert found.serving[TASK] == ((0.0, ("slow",)), (4.5, ("quick",)))
    assert found.held_cores_by_second == pytest.approx([1, 1, 2, 2, 1.515, 1, 1, 1, 1, 1])


def test_a_plan_for_fewer_stops_the_loads_that_are_too_many() -> None:
    plans = {0: [deployment("heavy")], 2: [deployment("heavy", replicas=3)], 4: [deployment("heavy", replicas=2)]}
    found = run(Told(plans), seconds=10)
    assert found.held_cores_by_second == pytest.approx([1] * 2 + [3] * 2 + [2] * 6)


def test_cores_that_change_in_place_need_no_load_and_keep_the_queue() -> None:
    plans = {0: [deployment("slow")], 5: [deployment("slow", cores=2.0)]}
    found = run(Told(plans, Mechanism(interval_s=1, in_place=True)), rate_rps=40, seconds=20)
    assert found.held_cores_by_second == pytest.approx([1.0] * 5 + [2.0] * 15)
    assert found.all_tasks.lost == found.all_tasks.switches == 0
    # 75 requests wait after 5 s; of the 50/s that it then answers, 10/s are these.
    share = found.series[TASK].not_in_time_share
    assert share[4] == 1
    assert share[14] == 0


def test_demand_is_split_by_the_rates_of_the_plan() -> None:
    plans = {0: [deployment("slow", rate_rps=1), deployment("quick", rate_rps=3)]}
    found = run(Told(plans), seconds=100, rate_rps=20)
    assert found.all_tasks.accuracy == pytest.approx(0.25 * 0.9 + 0.75 * 0.6, abs=0.001)


def test_machines_of_their_own_start_first_and_do_not_slow_each_other() -> None:
    plans = {0: [deployment("slow")], 5: [deployment("slow", replicas=2)]}
    mechanism = Mechanism(interval_s=1, start_up_s=4.5)
    found = run(Told(plans, mechanism), rate_rps=30, seconds=20, box=Box(cores=1))
    assert found.held_cores_by_second == pytest.approx([1.0] * 5 + [2.0] * 15)
    # One is not enough until the other is up after 10 s, and then there is room.
    assert found.cpu_share_by_second[6:10] == pytest.approx([1.0] * 4)
    assert found.cpu_share_by_second[-1] == pytest.approx(0.6, abs=0.03)
    assert found.all_tasks.answered == found.all_tasks.sent


def test_reserved_cores_cost_what_the_target_says() -> None:
    priced = run(Told({0: [deployment("slow", cores=2.0)]}), box=Box(cores=4, core_hour=1.8, currency="EUR"))
    assert priced.held_core_s == pytest.approx(40)
    assert priced.cost == pytest.approx(40 / 3600 * 1.8)
    assert priced.currency == "EUR"
    unpriced = run(Told({0: [deployment("slow")]}))
    assert unpriced.cost is None
    assert unpriced.reasons["cost"] == "the target states no price per hour"


def test_a_seeded_run_is_the_same_again_and_another_seed_is_not() -> None:
    scattered = {(TASK, "slow"): Made(fixed_s=0.04, spread=0.3)}

    def once(seed: int) -> Result:
        asked = Settings(seconds=20, deadline_ms=100, seed=seed)
        return simulate(scattered, {TASK: poisson(15, 20)}, Told({0: [deployment("slow")]}), ROOMY, asked)

    assert once(1) == once(1)
    assert once(1).all_tasks.p50_ms != once(2).all_tasks.p50_ms


@pytest.mark.parametrize("moments_s", [[1.0, 0.5], [-0.1], [20.0]])
def test_a_schedule_outside_of_the_run_or_unsorted_is_refused(moments_s: list[float]) -> None:
    with pytest.raises(BadInputError, match="schedule of digits must be sorted moments from 0 to below 20 s"):
        simulate(VARIANTS, {TASK: np.array(moments_s)}, Told({}), ROOMY, Settings(seconds=20, deadline_ms=1))


def test_a_plan_for_what_is_not_there_is_refused_with_the_choices() -> None:
    with pytest.raises(BadInputError, match="begins without a server for digits"):
        run(Told({}))
    with pytest.raises(BadInputError, match="no variant 'huge' of digits: choices are slow, quick, heavy"):
        run(Told({0: [deployment("huge")]}))
    with pytest.raises(BadInputError, match="plans for bees: these tasks get no requests"):
        run(Told({0: [deployment("slow"), deployment("slow", task="bees")]}))
    with pytest.raises(BadInputError, match="no variant of the task 'bees': choices are digits"):
        simulate(VARIANTS, {"bees": even(1, 1)}, Told({}), ROOMY, Settings(seconds=1, deadline_ms=1))
