"""Which versions a live server begins with, and fixed ones."""

import pytest
from made_tasks import TARGET

from orchestrators import trivial
from orchestrators.live.choice import affordable, fixed, largest, policy, smallest
from porting.repository import Repository

LARGEST = {"digits": "digits-large-0000000a", "bees": "bees-large-0000002a"}
SMALLEST = {"digits": "digits-small-0000000c", "bees": "bees-small-0000002c"}


def problem(tasks: Repository, demand_rps: float) -> trivial.Problem:
    return trivial.from_repository(tasks, task=list(LARGEST), target=TARGET, demand_rps=demand_rps)


def test_the_trivial_policy_begins_with_what_the_demand_allows(tasks: Repository) -> None:
    assert affordable(problem(tasks, 0)) == LARGEST
    assert affordable(problem(tasks, 1e6)) == SMALLEST
    middle = affordable(problem(tasks, 20))
    assert LARGEST != middle != SMALLEST
    assert middle == trivial.solve(problem(tasks, 20)).versions


@pytest.mark.parametrize("demand_rps", [0, 20, 1e6])
def test_the_largest_and_the_smallest_are_so_whatever_the_demand(tasks: Repository, demand_rps: float) -> None:
    assert largest(problem(tasks, demand_rps)) == LARGEST
    assert smallest(problem(tasks, demand_rps)) == SMALLEST


def test_a_fixed_version_is_held_and_taken_back_where_another_one_answers(tasks: Repository) -> None:
    decide, asked = fixed(smallest), problem(tasks, 1)
    state, demand = trivial.State(versions=LARGEST), dict.fromkeys(LARGEST, 1.0)
    decisions = []
    for _ in range(40):
        state, decision = decide(asked, state, 1.0, demand)
        decisions.append(decision.versions)
    assert [one for one in decisions if one] == [SMALLEST]
    # As after a load that failed.
    assert decisions.index(SMALLEST) == trivial.Settings().hold_s


def test_every_policy_has_a_name() -> None:
    assert policy("trivial") == (affordable, trivial.step)
    assert policy("largest")[0] is largest
    assert policy("smallest")[0] is smallest
