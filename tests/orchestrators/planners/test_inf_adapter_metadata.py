"""InfAdapter's problem from what a repository holds."""

from pathlib import Path

import pytest
from made_tasks import TARGET, own_ms, reached, repository

from orchestrators.planners.inf_adapter import from_repository, solve
from porting.repository import Repository
from profiler.common.errors import BadInputError

MIDDLE = "digits-middle-0000000b"


def test_variants_have_their_measured_capacity_on_whole_cores_and_their_load_times(tasks: Repository) -> None:
    deadline_ms = 5 * own_ms(240, 1, 1)
    given = from_repository(tasks, task="digits", target=TARGET, demand_rps=50, deadline_ms=deadline_ms)
    middle = next(one for one in given.variants if one.name == MIDDLE)
    assert middle.accuracy == pytest.approx(0.92)
    assert middle.load_time_s == pytest.approx(0.2 + 40 / 240)
    expected = {cores: 0.8 * reached(240, 1, cores) for cores in (1, 2, 4, 8)}
    assert middle.capacity_rps == pytest.approx({0: 0.0} | expected)


def test_a_deadline_shorter_than_was_measured_leaves_no_capacity(tasks: Repository) -> None:
    given = from_repository(tasks, task="digits", target=TARGET, demand_rps=50, deadline_ms=3 * own_ms(240, 1, 1))
    large = next(one for one in given.variants if one.name.startswith("digits-large"))
    assert set(large.capacity_rps.values()) == {0.0}


def test_there_are_as_many_cores_as_the_most_that_were_measured_on_unless_given(tasks: Repository) -> None:
    assert from_repository(tasks, task="digits", target=TARGET, demand_rps=50).max_cores == 8
    assert from_repository(tasks, task="digits", target=TARGET, demand_rps=50, max_cores=3).max_cores == 3


def test_a_plan_from_metadata_deploys_published_variants_of_the_task(tasks: Repository) -> None:
    given = from_repository(
        tasks, task="digits", target=TARGET, demand_rps=250, deadline_ms=200, max_cores=4, previous={MIDDLE: 4}
    )
    plan = solve(given)
    assert {one.task for one in plan.deployments} == {"digits"}
    assert sum(one.rate_rps for one in plan.deployments) == pytest.approx(250)
    assert all(tasks.variant(one.variant).task == "digits" for one in plan.deployments)


def test_what_ran_and_is_not_published_any_more_is_left_out_of_the_previous_plan(tasks: Repository) -> None:
    held = {MIDDLE: 4, "digits-gone-0000000d": 2}
    given = from_repository(tasks, task="digits", target=TARGET, demand_rps=250, deadline_ms=200, previous=held)
    assert given.previous == {MIDDLE: 4}
    assert "digits-gone-0000000d" not in solve(given).cores


def test_a_repository_without_capacities_is_refused_with_what_measures_them(tmp_path: Path) -> None:
    bare = repository(tmp_path, capacity=[])
    with pytest.raises(BadInputError, match=r"no capacity on 1 cores: .*profile=full target=local_cpu measures it"):
        from_repository(bare, task="digits", target=TARGET, demand_rps=50)
