"""Which versions a live server begins with under each policy, and fixed ones."""

import numpy as np
import pytest
from made_tasks import TARGET

from orchestrators.live.choice import Fixed, Trivial, largest, smallest
from orchestrators.live.policy import Offer
from orchestrators.planners import trivial
from porting.repository import Repository

LARGEST = {"digits": "digits-large-0000000a", "bees": "bees-large-0000002a"}
SMALLEST = {"digits": "digits-small-0000000c", "bees": "bees-small-0000002c"}
CORES = 1.0
EAGER = trivial.Settings(hold_s=0, up_after_s=0, window_s=1)


def offer(tasks: Repository, demand_rps: float) -> Offer:
    return Offer.of(
        tasks, trivial.from_repository(tasks, task=list(LARGEST), target=TARGET, demand_rps=demand_rps), CORES
    )


def test_the_trivial_policy_begins_with_what_the_demand_allows(tasks: Repository) -> None:
    assert Trivial().first(offer(tasks, 0)) == LARGEST
    assert Trivial().first(offer(tasks, 1e6)) == SMALLEST
    middle = Trivial().first(offer(tasks, 20))
    assert LARGEST != middle != SMALLEST
    assert middle == trivial.solve(offer(tasks, 20).problem).versions


def test_the_trivial_policy_goes_by_the_mean_demand_of_a_few_seconds(tasks: Repository) -> None:
    asked, state = offer(tasks, 0), trivial.State(versions=SMALLEST)
    # What came first is too long ago to count.
    seen = dict.fromkeys(LARGEST, np.array([100.0, 1, 2, 3, 4, 5]))
    smoothed = trivial.step(asked.problem, state, 0.1, dict.fromkeys(LARGEST, 3.0), EAGER)
    assert Trivial(EAGER).step(asked, state, 0.1, seen) == smoothed
    idle = trivial.step(asked.problem, state, 0.1, dict.fromkeys(LARGEST, 0.0), EAGER)
    assert Trivial(EAGER).step(asked, state, 0.1, dict.fromkeys(LARGEST, np.zeros(0))) == idle != smoothed


@pytest.mark.parametrize("demand_rps", [0, 20, 1e6])
def test_the_largest_and_the_smallest_are_so_whatever_the_demand(tasks: Repository, demand_rps: float) -> None:
    assert Fixed(largest).first(offer(tasks, demand_rps)) == LARGEST
    assert Fixed(smallest).first(offer(tasks, demand_rps)) == SMALLEST


def test_a_fixed_version_is_held_and_taken_back_where_another_one_answers(tasks: Repository) -> None:
    policy, asked = Fixed(smallest), offer(tasks, 1)
    state, demand = trivial.State(versions=LARGEST), dict.fromkeys(LARGEST, np.ones(1))
    decisions = []
    for _ in range(40):
        state, decision = policy.step(asked, state, 1.0, demand)
        decisions.append(decision.versions)
    assert [one for one in decisions if one] == [SMALLEST]
    # As after a load that failed.
    assert decisions.index(SMALLEST) == trivial.Settings().hold_s
