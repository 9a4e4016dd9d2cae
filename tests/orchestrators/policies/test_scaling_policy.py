"""What the papers compare with, on demands that show what each of them does."""

import numpy as np
import pytest
from made_variants import TASK, Made, even

from orchestrators.deployment import Deployment
from orchestrators.policies import Policy
from orchestrators.policies.fixed import Fixed
from orchestrators.policies.machines import Machines, Signal
from orchestrators.policies.scaling import Replicas, Vertical
from orchestrators.simulation import Box, Result, Settings, simulate

CATALOGUE = {(TASK, "large"): Made(accuracy=0.9, fixed_s=0.04), (TASK, "small"): Made(accuracy=0.6, fixed_s=0.01)}
LARGE, FIRST_RPS = {TASK: "large"}, {TASK: 10.0}
CAPACITY_RPS = 25.0


def run(policy: Policy, rates_rps: list[tuple[float, int]], cores: float = 100) -> Result:
    """Each rate for its number of seconds."""
    moments_s, begin_s = [], 0
    for rate_rps, seconds in rates_rps:
        moments_s.append(begin_s + even(rate_rps, seconds))
        begin_s += seconds
    asked = Settings(seconds=begin_s, deadline_ms=100)
    return simulate(CATALOGUE, {TASK: np.concatenate(moments_s)}, policy, Box(cores=cores), asked)


def test_a_fixed_version_stays_whatever_comes() -> None:
    found = run(Fixed([Deployment(task=TASK, variant="large", cores=1, rate_rps=0)]), [(10, 30), (40, 30)])
    assert found.all_tasks.switches == 0
    assert set(found.held_cores_by_second) == {1.0}
    assert found.all_tasks.late + found.all_tasks.lost > 1000


def test_replicas_follow_the_demand_up_and_down_and_the_version_stays() -> None:
    policy = Replicas(LARGE, {TASK: CAPACITY_RPS}, cores=1, most=4, first_rps=FIRST_RPS)
    found = run(policy, [(10, 30), (55, 30), (500, 30), (10, 60)])
    assert found.held_cores_by_second[25] == 1
    assert found.held_cores_by_second[45] == 3
    assert found.held_cores_by_second[75] == 4
    assert found.held_cores_by_second[-1] == 1
    assert found.all_tasks.switches == 0


def test_vertical_scaling_takes_a_step_at_a_time() -> None:
    steps = {TASK: {cores: CAPACITY_RPS * cores for cores in (0.5, 1.0, 2.0, 4.0)}}
    found = run(Vertical(LARGE, steps, {TASK: 15.0}), [(5, 30), (45, 60), (5, 60)])
    cores = found.held_cores_by_second
    assert cores[0] == 1
    assert cores[25] == 0.5
    assert list(dict.fromkeys(cores[30:90])) == [0.5, 1.0, 2.0, 4.0]
    # The queue of the seconds before is worked off; two cores would be 90 % busy with 45/s, four are 45 %.
    assert set(cores[70:90]) == {4.0}
    assert cores[-1] == 0.5


@pytest.mark.parametrize(("signal", "machines"), [("demand", 3), ("use", 3)])
def test_machines_come_up_after_their_start_up_time(signal: Signal, machines: int) -> None:
    policy = Machines(signal, LARGE, {TASK: CAPACITY_RPS}, 1, start_up_s=20, first_rps=FIRST_RPS)
    found = run(policy, [(10, 30), (60, 200)])
    in_time = [one == 0 for one in found.series[TASK].not_in_time_share]
    assert all(in_time[:30])
    assert not any(in_time[31:60])
    assert all(in_time[-20:])
    assert found.held_cores_by_second[-1] >= machines


def test_machines_that_look_at_use_hold_more_than_those_that_look_at_demand() -> None:
    def held(signal: Signal) -> float:
        policy = Machines(signal, LARGE, {TASK: CAPACITY_RPS}, 1, start_up_s=20, first_rps={TASK: 48.0})
        return run(policy, [(48, 300)]).held_cores_by_second[-1]

    assert (held("demand"), held("use")) == (2, 3)


def test_machines_are_given_back_once_they_were_not_needed_for_a_while() -> None:
    policy = Machines("demand", LARGE, {TASK: CAPACITY_RPS}, 1, start_up_s=5, first_rps={TASK: 70.0})
    held = run(policy, [(70, 30), (10, 120)]).held_cores_by_second
    assert held[30:85] == pytest.approx([3.0] * 55)
    assert held[-1] == 1


def test_machines_do_not_share_a_box() -> None:
    policy = Machines("demand", LARGE, {TASK: CAPACITY_RPS}, 1, start_up_s=5, first_rps={TASK: 70.0})
    found = run(policy, [(70, 30)], cores=1)
    assert found.all_tasks.p99_ms == pytest.approx(40)
