"""Planners in the loop."""

from collections.abc import Sequence

import numpy as np
import pytest
from made_tasks import TARGET
from made_variants import TASK, Made, deployment, even
from numpy.typing import NDArray

from orchestrators import Infeasible
from orchestrators.deployment import Deployment
from orchestrators.policies import Environment, Mechanism, Observation
from orchestrators.policies.planned import Planned, WithoutPlan
from orchestrators.policies.rules import Settings as Thresholds
from orchestrators.policies.trivial import trivial
from orchestrators.simulation import Box, Settings, simulate
from orchestrators.variant import catalogue
from porting.repository import Repository

CATALOGUE = {(TASK, "large"): Made(accuracy=0.9, fixed_s=0.04), (TASK, "small"): Made(accuracy=0.6, fixed_s=0.01)}


class Last:
    """The last second."""

    def forecast(self, demand_rps_so_far: NDArray[np.float64], horizon_s: int) -> float:
        return float(demand_rps_so_far[-1])


class Planner:
    """The large variant up to 20/s, the small one up to 80/s."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, list[str]]] = []

    def plan(self, demand_rps: float, present: Sequence[Deployment]) -> list[Deployment]:
        self.asked.append((demand_rps, [one.variant for one in present]))
        if demand_rps > 80:
            raise Infeasible("demand above everything")
        return [deployment("large" if demand_rps <= 20 else "small", rate_rps=demand_rps)]


def policy(planner: Planner, first_rps: float = 10, without_plan: WithoutPlan = "keep") -> Planned:
    fallback = {TASK: deployment("small")}
    return Planned({TASK: planner.plan}, Mechanism(interval_s=10), Last(), {TASK: first_rps}, fallback, without_plan)


def test_a_planner_is_told_what_is_forecast_and_what_there_is() -> None:
    planner = Planner()
    moments_s = np.concatenate([even(10, 15), 15 + even(50, 15)])
    found = simulate(CATALOGUE, {TASK: moments_s}, policy(planner), Box(cores=9), Settings(seconds=30, deadline_ms=100))
    assert planner.asked == [(10, []), (10, ["large"]), (50, ["large"])]
    assert found.serving[TASK] == ((0.0, ("large",)), (20.5, ("small",)))
    assert found.infeasible == 0


def test_where_there_is_no_plan_the_last_one_stays_and_is_counted() -> None:
    planner = Planner()
    moments_s = np.concatenate([even(10, 15), 15 + even(100, 25)])
    found = simulate(CATALOGUE, {TASK: moments_s}, policy(planner), Box(cores=9), Settings(seconds=40, deadline_ms=100))
    assert found.serving[TASK] == ((0.0, ("large",)),)
    assert found.infeasible == 2


def test_without_a_plan_to_begin_with_there_is_something_to_fall_back_on() -> None:
    found = simulate(
        CATALOGUE,
        {TASK: even(90, 9)},
        policy(Planner(), first_rps=90),
        Box(cores=9),
        Settings(seconds=9, deadline_ms=9),
    )
    assert found.serving[TASK] == ((0.0, ("small",)),)
    assert found.infeasible == 1


def test_without_a_plan_the_quickest_answers_where_that_is_chosen() -> None:
    moments_s = np.concatenate([even(10, 15), 15 + even(100, 25)])
    asked = policy(Planner(), without_plan="quickest")
    found = simulate(CATALOGUE, {TASK: moments_s}, asked, Box(cores=9), Settings(seconds=40, deadline_ms=100))
    assert found.serving[TASK] == ((0.0, ("large",)), (20.5, ("small",)))
    assert found.infeasible == 2


def environment(tasks: Repository, cores: float = 1) -> Environment:
    return Environment.of(tasks, TARGET, {TASK: 20}, 400, cores)


def test_the_trivial_policy_steps_down_when_the_cpu_is_full_and_up_again_when_it_is_not(tasks: Repository) -> None:
    moments_s = np.concatenate([even(20, 60), 60 + even(120, 60), 120 + even(20, 60)])
    found = simulate(
        catalogue(tasks, [TASK], TARGET),
        {TASK: moments_s},
        trivial(environment(tasks)),
        Box(cores=1),
        Settings(seconds=180, deadline_ms=400),
    )
    versions = [names[0].split("-")[1] for _, names in found.serving[TASK]]
    moments = [moment_s for moment_s, _ in found.serving[TASK]]
    assert versions[0] == versions[-1] == "large"
    assert "small" in versions or "middle" in versions
    # A window of ten seconds over 70 %, or thirty since the last update under 50 %.
    assert moments[1] == pytest.approx(70, abs=8)
    assert moments[-1] > 120
    assert found.all_tasks.lost == 0


def test_the_trivial_policy_on_a_larger_box_sees_the_use_of_its_own_cores(tasks: Repository) -> None:
    moments_s = np.concatenate([even(20, 30), 30 + even(120, 60)])
    found = simulate(
        catalogue(tasks, [TASK], TARGET),
        {TASK: moments_s},
        trivial(environment(tasks, cores=4)),
        Box(cores=4),
        Settings(seconds=90, deadline_ms=400),
    )
    assert found.all_tasks.switches > 0
    assert max(found.cpu_share_by_second) < 0.6


def test_the_trivial_policy_counts_no_second_while_a_switch_is_under_way(tasks: Repository) -> None:
    policy = trivial(environment(tasks))
    present = list(policy.decide(0, Observation.empty([TASK])).deployments or [])

    def decided(changing: bool) -> Sequence[Deployment] | None:
        demand = {TASK: np.array([120.0])}
        return policy.decide(1, Observation(demand, {TASK: np.ones(1)}, np.ones(1), present, changing)).deployments

    assert [decided(changing=True) for _ in range(30)] == [None] * 30
    settings = Thresholds()
    assert [decided(changing=False) for _ in range(settings.hold_s - 1)] == [None] * (settings.hold_s - 1)
    assert decided(changing=False) is not None
