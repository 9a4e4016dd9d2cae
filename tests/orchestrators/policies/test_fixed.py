"""Which versions fixed policies and the trivial policy begin with, and what a policy says of what answers."""

import numpy as np
import pytest
from made_tasks import TARGET

from orchestrators.deployment import Deployment
from orchestrators.planners import trivial
from orchestrators.policies import Decision, Environment, Observation, Policy
from orchestrators.policies.fixed import INTERVAL_S, largest, smallest
from orchestrators.policies.rules import Settings, State, step
from orchestrators.policies.trivial import trivial as trivial_policy
from porting.repository import Repository
from profiler.common.errors import BadInputError

LARGEST = {"digits": "digits-large-0000000a", "bees": "bees-large-0000002a"}
SMALLEST = {"digits": "digits-small-0000000c", "bees": "bees-small-0000002c"}
EAGER = Settings(hold_s=0, up_after_s=0, window_s=1)


def environment(tasks: Repository, demand_rps: float, cores: float = 1) -> Environment:
    return Environment.of(tasks, TARGET, dict.fromkeys(LARGEST, demand_rps), 400, cores)


def versions(decision: Decision) -> dict[str, str]:
    return {one.task: one.variant for one in decision.deployments or []}


def first(policy: Policy) -> dict[str, str]:
    return versions(policy.decide(0, Observation.empty(list(LARGEST))))


def seen(answering: dict[str, str], demand_rps: np.ndarray, share: float) -> Observation:
    deployments = [Deployment(task=task, variant=name, cores=1, rate_rps=0) for task, name in answering.items()]
    return Observation(dict.fromkeys(LARGEST, demand_rps), {}, np.array([share]), deployments, changing=False)


def test_the_trivial_policy_begins_with_what_the_demand_allows(tasks: Repository) -> None:
    assert first(trivial_policy(environment(tasks, 0))) == LARGEST
    assert first(trivial_policy(environment(tasks, 1e6))) == SMALLEST
    middle = first(trivial_policy(environment(tasks, 20)))
    assert LARGEST != middle != SMALLEST
    problem = trivial.from_repository(tasks, task=list(LARGEST), target=TARGET, demand_rps=20)
    assert middle == trivial.solve(problem).versions


def test_a_first_demand_that_nothing_carries_is_counted_with_a_notice(tasks: Repository) -> None:
    found = trivial_policy(environment(tasks, 1e6)).decide(0, Observation.empty(list(LARGEST)))
    assert found.infeasible == 1
    assert "CPU limit" in str(found.notice)


def test_the_trivial_policy_goes_by_the_mean_demand_of_a_few_seconds(tasks: Repository) -> None:
    problem = trivial.from_repository(tasks, task=list(LARGEST), target=TARGET, demand_rps=0)

    def moved(demand_rps: float) -> tuple[str, dict[str, str]]:
        rates = dict.fromkeys(LARGEST, demand_rps)
        _, move = step(problem, State(versions=SMALLEST), 0.1, rates, EAGER)
        return move.reason, move.versions or {}

    def decided(demand_rps: np.ndarray) -> tuple[str, dict[str, str]]:
        found = trivial_policy(environment(tasks, 0), thresholds=EAGER).decide(1, seen(SMALLEST, demand_rps, 0.1))
        return found.reason, versions(found)

    # What came first is too long ago to count.
    assert decided(np.array([100.0, 1, 2, 3, 4, 5])) == moved(3.0)
    assert decided(np.zeros(0)) == moved(0.0) != moved(3.0)


def test_the_trivial_policy_goes_on_from_what_answers_where_a_switch_failed(tasks: Repository) -> None:
    policy, busy = trivial_policy(environment(tasks, 0), thresholds=EAGER), np.array([500.0])
    wanted = versions(policy.decide(1, seen(LARGEST, busy, 1.0)))
    assert wanted != LARGEST
    # It has not answered: the decision is the same again.
    assert versions(policy.decide(2, seen(LARGEST, busy, 1.0))) == wanted


@pytest.mark.parametrize("demand_rps", [0, 20, 1e6])
def test_the_largest_and_the_smallest_are_so_whatever_the_demand(tasks: Repository, demand_rps: float) -> None:
    assert first(largest(environment(tasks, demand_rps))) == LARGEST
    assert first(smallest(environment(tasks, demand_rps))) == SMALLEST


def test_the_largest_is_the_most_accurate_below_its_maximal_metric(tasks: Repository) -> None:
    bounded = largest(environment(tasks, 0), max_metric={"digits": 1 / 100})
    assert first(bounded) == {**LARGEST, "digits": "digits-middle-0000000b"}
    with pytest.raises(BadInputError, match="demand_rps and max_metric name tasks: mnist is not one of digits, bees"):
        largest(environment(tasks, 0), max_metric={"mnist": 1})


def test_a_fixed_version_is_held_and_asked_for_again_where_another_one_answers(tasks: Repository) -> None:
    policy = smallest(environment(tasks, 1))
    assert policy.mechanism.interval_s == INTERVAL_S == Settings().hold_s
    assert policy.decide(1, seen(SMALLEST, np.ones(1), 1.0)).deployments is None
    assert versions(policy.decide(1, seen(LARGEST, np.ones(1), 1.0))) == SMALLEST
