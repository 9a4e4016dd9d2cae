"""Every policy on a published repository alone."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from full_profile import item
from made_policies import POLICIES, policy
from made_tasks import TARGET, planning_profile, repository
from made_tasks import TASKS as VARIANTS
from numpy.typing import NDArray

from orchestrators.deployment import Deployment
from orchestrators.load import poisson_arrivals
from orchestrators.policies import Environment
from orchestrators.simulation import Box, Result, Settings, simulate
from orchestrators.simulation.pool import Pool
from orchestrators.simulation.station import Service, sampled
from orchestrators.variant import catalogue
from porting.repository import Repository
from porting.repository.publishing.writer import publish
from porting.repository.storage import Storage
from profiler.common.errors import BadInputError
from profiler.common.target import Price, Target

SECONDS, DEADLINE_MS = 90, 400
DEMAND_RPS = np.repeat([10.0, 30.0, 50.0], 30)
TASKS = "digits", "bees"
# Each replica of these policies is a separate machine.
MACHINES = {"reactive_vms", "utilisation_vms", "paragon"}


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    price = Price(currency="EUR", as_of=date(2026, 11, 1), per_hour=0.1, start_up_s=5, per_gb_s=1e-5, per_call=2e-7)
    return repository(tmp_path_factory.mktemp("priced"), target=Target(cores=1, price=price))


def environment(
    known: Repository, cores: float = 8, tasks: tuple[str, ...] = TASKS, first_rps: float = 10.0
) -> Environment:
    return Environment.of(known, TARGET, dict.fromkeys(tasks, first_rps), DEADLINE_MS, cores)


def schedules(on: Environment, demand_rps: np.ndarray = DEMAND_RPS) -> dict[str, NDArray[np.float64]]:
    return {task: poisson_arrivals(demand_rps, seed=place) for place, task in enumerate(on.tasks)}


def run(name: str, on: Environment, demand_rps: np.ndarray = DEMAND_RPS, drain_s: int = 10) -> Result:
    asked = Settings(seconds=SECONDS, deadline_ms=DEADLINE_MS, drain_s=drain_s)
    versions = catalogue(on.repository, on.tasks, TARGET)
    box = Box.of(next(iter(on.families.values()))[0].profile.target, on.cores)
    chosen = policy(name, on, "forecaster.window_s=10")
    return simulate(versions, schedules(on, demand_rps), chosen, box, asked, name)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of every batch that a server works on."""
    sizes: list[int] = []

    def counted(service_s: Sequence[float], spread: float, normal: Callable[[], float]) -> Service:
        service = sampled(service_s, spread, normal)

        def one(size: int) -> float:
            sizes.append(size)
            return service(size)

        return one

    monkeypatch.setattr("orchestrators.simulation.pool.sampled", counted)
    return sizes


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_serves_each_request_once(priced: Repository, served: list[int], name: str) -> None:
    on = environment(priced)
    # The most accurate versions alone fall behind, and need the time to answer what waits.
    found = run(name, on, drain_s=30)
    sent = {task: len(moments_s) for task, moments_s in schedules(on).items()}
    assert min(sent.values()) > 2000
    assert sum(served) == sum(sent.values())
    assert {task: (one.sent, one.answered) for task, one in found.tasks.items()} == {
        task: (count, count) for task, count in sent.items()
    }


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_answers_two_tasks_on_eight_cores(priced: Repository, name: str) -> None:
    found = run(name, environment(priced))
    assert found.policy == name
    assert set(found.tasks) == set(TASKS)
    for figures in found.tasks.values():
        assert figures.accuracy is not None
        assert 0.7 <= figures.accuracy <= 0.97
    assert found.cost == pytest.approx(found.held_core_s / 3600 * 0.1)
    again = run(name, environment(priced))
    assert again == found


@pytest.mark.parametrize("name", ["smallest", "trivial", "inf_adapter", "sponge", "infaas"])
def test_policies_that_adapt_are_in_time_where_there_are_cores_enough(priced: Repository, name: str) -> None:
    share = run(name, environment(priced)).all_tasks.in_time_share
    assert share is not None
    # InfAdapter decides every 30 s, and demand rises just after two of its decisions.
    assert share > (0.9 if name == "inf_adapter" else 0.97)


def test_the_most_accurate_version_alone_is_late_where_the_others_are_not(priced: Repository) -> None:
    largest, adapted = (run(name, environment(priced)).all_tasks for name in ("largest", "inf_adapter"))
    assert largest.effective_accuracy is not None
    assert adapted.effective_accuracy is not None
    assert adapted.effective_accuracy > largest.effective_accuracy + 0.05


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The cores that each plan reserves for a task."""
    found: list[float] = []
    change = Pool.change

    def watched(self: Pool, deployments: Sequence[Deployment], now_s: float, at_once: bool = False) -> None:
        found.append(sum(one.replicas * one.cores for one in deployments))
        change(self, deployments, now_s, at_once)

    monkeypatch.setattr(Pool, "change", watched)
    return found


@pytest.mark.parametrize("name", sorted(set(POLICIES) - MACHINES))
def test_policies_reserve_no_more_cores_than_the_box_has(priced: Repository, name: str, asked: list[float]) -> None:
    run(name, environment(priced, cores=4), np.repeat([10.0, 300.0, 2000.0], 30))
    assert len(asked) >= len(TASKS)
    assert max(asked) <= 2


@pytest.mark.parametrize("name", ["infaas", "ipa", "replicas", "vertical"])
def test_policies_begin_with_no_more_cores_than_the_box_has(priced: Repository, name: str, asked: list[float]) -> None:
    run(name, environment(priced, cores=1, first_rps=5000.0))
    assert max(asked) <= 0.5


def test_ipa_says_that_there_is_no_plan_where_a_box_is_too_small(priced: Repository) -> None:
    found = run("ipa", environment(priced, cores=4), np.repeat([10.0, 300.0, 2000.0], 30))
    assert found.infeasible > 0


def test_infaas_goes_on_from_what_was_not_measured_as_one_of_its_variants(tmp_path: Path) -> None:
    """A quick profile has the throughput of large batches alone, and a run begins with single requests."""
    profiles = {name: planning_profile(rate) for name, (_, rate) in VARIANTS["digits"].items()}
    items = [
        item(name, profile.model_copy(update={"max_throughput": large}), tmp_path, VARIANTS["digits"][name][0])
        for name, profile in profiles.items()
        if (large := tuple(point for point in profile.max_throughput if point.batch > 1))
    ]
    found = run("infaas", environment(publish(tmp_path / "published", items), tasks=("digits",), first_rps=50_000.0))
    assert found.infeasible == 1
    assert (found.held_cores_by_second[0], found.held_cores_by_second[-1]) == (1, 0.5)


def test_details_are_read_once(priced: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    storage = Repository(priced.storage, priced.index).storage
    content = Storage.read

    def watched(self: Storage, *parts: str, limit_bytes: int) -> bytes:
        read.append(parts[0])
        return content(self, *parts, limit_bytes=limit_bytes)

    monkeypatch.setattr(Storage, "read", watched)
    run("model_switching", environment(Repository(storage, priced.index), tasks=("bees",)))
    assert sorted(read) == ["bees-large-0000002a", "bees-small-0000002c"]


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_machines_without_a_stated_start_up_time_are_refused_with_the_fix(tasks: Repository, name: str) -> None:
    with pytest.raises(BadInputError, match=r"local_cpu states no start_up_s: state price: .* conf/target/local_cpu"):
        policy(name, environment(tasks))


def test_planners_of_whole_cores_say_so_where_a_task_has_less(priced: Repository) -> None:
    for name in ("inf_adapter", "sponge"):
        with pytest.raises(BadInputError, match=r"gives out whole cores, and each task has 0\.5"):
            run(name, environment(priced, cores=1))
