"""Model-Switching as a policy, and as it drives a live server."""

from pathlib import Path

import numpy as np
import pytest
from full_profile import item
from made_live import LARGE, MIDDLE, SMALL, TARGET, TASK, VARIANTS, live_repository
from made_points import load_point
from made_tasks import planning_profile

from orchestrators.forecast import LastValue
from orchestrators.live.driver import Driver, versions
from orchestrators.planners import model_switching as planner
from orchestrators.policies import Decision, Environment, Policy
from orchestrators.policies.planners import model_switching
from porting.repository import Repository
from porting.repository.publishing.writer import publish
from profiler.common.errors import BadInputError

DEADLINE_MS, INTERVAL_S = 400.0, 10


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Two tasks, whose versions carry 60, 240 and 900 requests/s on a core."""
    bees = {name.replace(TASK, "bees"): figures for name, figures in VARIANTS.items()}
    return live_repository(tmp_path_factory.mktemp("both"), others={"bees": bees})


def driver(
    repository: Repository, *tasks: str, demand_rps: float = 0, cores: float = 1.0, deadline_ms: float = DEADLINE_MS
) -> Driver:
    """By default of `TASK` alone."""

    def make(environment: Environment) -> Policy:
        return model_switching(environment, forecaster=LastValue(), interval_s=INTERVAL_S)

    first_rps = dict.fromkeys(tasks or [TASK], demand_rps)
    return Driver(make, Environment.of(repository, TARGET, first_rps, deadline_ms, cores))


def due(driven: Driver, demand_rps: float, answering: str = LARGE) -> Decision:
    """What it says when it is time, under the same demand for every task, to each of which that version answers."""
    present = {task: answering.replace(TASK, task) for task in driven.environment.tasks}
    seen = {task: np.array([1.0, demand_rps]) for task in present}
    waited = [driven.step(seen, np.array([0.5]), present) for _ in range(INTERVAL_S)]
    assert {one.rule for one in waited[:-1]} == {"wait"}
    return waited[-1]


@pytest.mark.parametrize(("demand_rps", "version"), [(0, LARGE), (25, LARGE), (58, MIDDLE), (240, SMALL)])
def test_it_decides_as_its_planner_does_for_the_load_that_is_foreseen(
    both: Repository, demand_rps: float, version: str
) -> None:
    problem = planner.from_repository(both, task=TASK, target=TARGET, demand_rps=demand_rps, deadline_ms=DEADLINE_MS)
    assert planner.solve(problem).variant == version
    assert driver(both, demand_rps=demand_rps).first() == {TASK: version}
    assert versions(due(driver(both), demand_rps, MIDDLE)) == {TASK: version}


def test_it_is_asked_once_in_its_interval(both: Repository) -> None:
    asked, moved = driver(both), []
    for second in range(1, 2 * INTERVAL_S + 1):
        demand = {TASK: np.full(second, 10.0 if second <= INTERVAL_S else 100.0)}
        wanted = versions(asked.step(demand, np.array([0.5]), {TASK: LARGE}))
        moved += [second] if wanted.get(TASK, LARGE) != LARGE else []
    assert moved == [2 * INTERVAL_S]


def test_a_load_above_everything_is_for_the_quickest_version_with_a_notice_until_it_falls(both: Repository) -> None:
    asked = driver(both)
    decision = due(asked, 5000)
    assert versions(decision) == {TASK: SMALL}
    assert "load: no version of digits answers within 400 ms at 5000 requests/s" in str(decision.notice)
    waiting = asked.step({TASK: np.zeros(0)}, np.array([0.5]), {TASK: SMALL})
    assert (waiting.rule, waiting.notice) == ("wait", decision.notice)
    quiet = [asked.step({TASK: np.array([25.0])}, np.array([0.5]), {TASK: SMALL}) for _ in range(INTERVAL_S - 1)]
    assert quiet[-1].notice is None


def test_each_task_counts_on_an_even_share_of_the_cores_that_the_server_has(both: Repository) -> None:
    large = {TASK: LARGE, "bees": LARGE.replace(TASK, "bees")}
    middle = {TASK: MIDDLE, "bees": MIDDLE.replace(TASK, "bees")}
    assert versions(due(driver(both), 25)) == {TASK: LARGE}
    assert versions(due(driver(both, *middle), 25)) == middle
    assert versions(due(driver(both, *middle), 10)) == large
    assert versions(due(driver(both, *middle, cores=2), 25)) == large
    assert versions(due(driver(both, cores=0.5), 25)) == {TASK: MIDDLE}


def test_where_profiles_do_not_tell_of_the_deadline_it_raises_and_the_notice_holds_until_it_is_asked_again(
    tmp_path: Path,
) -> None:
    load = [load_point(0.5, p50_ms=None)]
    made = publish(tmp_path / "repository", [item(LARGE, planning_profile(900, load=load), tmp_path)])
    assert driver(made, deadline_ms=10).first() == {TASK: LARGE}
    with pytest.raises(BadInputError, match=r"deadline_ms=10 was not measured .* choose 15 or more"):
        driver(made, deadline_ms=10, cores=0.5).first()
    asked = driver(made, deadline_ms=10, cores=0.5)
    with pytest.raises(BadInputError, match="deadline_ms=10 was not measured") as caught:
        due(asked, 1)
    assert asked.undecided(caught.value).rule == "hold"
    waiting = asked.step({TASK: np.ones(1)}, np.array([0.5]), {TASK: LARGE})
    assert "deadline_ms=10 was not measured" in str(waiting.notice)
