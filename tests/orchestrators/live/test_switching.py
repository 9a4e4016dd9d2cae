"""Model-Switching as a policy of a live server."""

from pathlib import Path

import numpy as np
import pytest
from full_profile import item
from made_live import LARGE, MIDDLE, SMALL, TARGET, TASK, VARIANTS, live_repository
from made_points import load_point
from made_tasks import planning_profile

from orchestrators.forecast import LastValue
from orchestrators.live.policy import Offer
from orchestrators.live.switching import ModelSwitching
from orchestrators.planners import model_switching, trivial
from porting.repository import Repository
from porting.repository.publishing.writer import publish
from profiler.common.errors import BadInputError

DEADLINE_MS, INTERVAL_S = 400.0, 10
Stepped = tuple[trivial.State, trivial.Decision]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Two tasks, whose versions carry 60, 240 and 900 requests/s on a core."""
    bees = {name.replace(TASK, "bees"): figures for name, figures in VARIANTS.items()}
    return live_repository(tmp_path_factory.mktemp("both"), others={"bees": bees})


def offer(repository: Repository, *tasks: str, demand_rps: float = 0, cores: float = 1.0) -> Offer:
    """Of `TASK` alone unless told."""
    asked = trivial.from_repository(repository, task=tasks or [TASK], target=TARGET, demand_rps=demand_rps)
    return Offer.of(repository, asked, cores)


def policy(deadline_ms: float = DEADLINE_MS) -> ModelSwitching:
    return ModelSwitching(TARGET, deadline_ms, LastValue(), INTERVAL_S)


def due(asked: ModelSwitching, offered: Offer, demand_rps: float, answering: str = LARGE) -> Stepped:
    """What it says when it is time, under the same demand for every task, to each of which that version answers."""
    versions = {task.name: answering.replace(TASK, task.name) for task in offered.problem.tasks}
    state = trivial.State(versions=versions, since_update_s=INTERVAL_S - 1)
    return asked.step(offered, state, 0.5, {task: np.array([1.0, demand_rps]) for task in versions})


@pytest.mark.parametrize(("demand_rps", "version"), [(0, LARGE), (25, LARGE), (58, MIDDLE), (240, SMALL)])
def test_it_decides_as_its_planner_does_for_the_load_that_is_foreseen(
    both: Repository, demand_rps: float, version: str
) -> None:
    problem = model_switching.from_repository(
        both, task=TASK, target=TARGET, demand_rps=demand_rps, deadline_ms=DEADLINE_MS
    )
    assert model_switching.solve(problem).variant == version
    assert policy().first(offer(both, demand_rps=demand_rps)) == {TASK: version}
    state, decision = due(policy(), offer(both), demand_rps, "digits-another")
    assert state == trivial.State(versions={TASK: version})
    assert decision.versions == state.versions
    state, decision = due(policy(), offer(both), demand_rps, version)
    assert (state.versions, decision.rule, decision.versions) == ({TASK: version}, "hold", None)


def test_it_is_asked_once_in_its_interval(both: Repository) -> None:
    asked, state, moved = policy(), trivial.State(versions={TASK: LARGE}), []
    for second in range(1, 2 * INTERVAL_S + 1):
        demand = {TASK: np.full(second, 10.0 if second <= INTERVAL_S else 100.0)}
        state, decision = asked.step(offer(both), state, 0.5, demand)
        moved += [second] if decision.versions else []
    assert moved == [2 * INTERVAL_S]


def test_a_load_above_everything_is_for_the_quickest_version_with_a_notice_until_it_falls(both: Repository) -> None:
    asked = policy()
    state, decision = due(asked, offer(both), 5000)
    assert decision.versions == {TASK: SMALL}
    assert "load: no version of digits is known to answer within 400 ms at 5000 requests/s" in str(decision.notice)
    _, waiting = asked.step(offer(both), state, 0.5, {TASK: np.zeros(0)})
    assert (waiting.rule, waiting.notice) == ("wait", decision.notice)
    assert due(asked, offer(both), 25)[1].notice is None


def test_each_task_counts_on_an_even_share_of_the_cores_that_the_server_has(both: Repository) -> None:
    middle = {TASK: MIDDLE, "bees": MIDDLE.replace(TASK, "bees")}
    assert due(policy(), offer(both), 25)[1].versions is None
    assert due(policy(), offer(both, *middle), 25)[1].versions == middle
    assert due(policy(), offer(both, *middle), 10)[1].versions is None
    assert due(policy(), offer(both, *middle, cores=2), 25)[1].versions is None
    assert due(policy(), offer(both, cores=0.5), 25)[1].versions == {TASK: MIDDLE}


def test_where_profiles_do_not_tell_of_the_deadline_what_answers_stays_and_the_notice_says_why(tmp_path: Path) -> None:
    load = [load_point(0.5, p50_ms=None)]
    made = publish(tmp_path / "repository", [item(LARGE, planning_profile(900, load=load), tmp_path)])
    assert policy(10).first(offer(made)) == {TASK: LARGE}
    with pytest.raises(BadInputError, match=r"deadline_ms=10 was not measured .* choose 15 or more"):
        policy(10).first(offer(made, cores=0.5))
    _, decision = due(policy(10), offer(made, cores=0.5), 1)
    assert (decision.rule, decision.versions) == ("hold", None)
    assert "deadline_ms=10 was not measured" in str(decision.notice)
