"""Planners and the simulation with dynamic batching: its figure where it is on, that of the server alone where not."""

from pathlib import Path

import pytest
from full_profile import item
from made_points import dynamic_batching
from made_tasks import TARGET, planning_profile

from orchestrators.planners.inf_adapter import from_repository as inf_adapter
from orchestrators.planners.infaas.from_repository import measured, variants
from orchestrators.planners.ipa.from_repository import allocated
from orchestrators.planners.trivial import from_repository as trivial
from orchestrators.variant import MeasuredVariant
from porting.repository import Repository
from porting.repository.publishing.writer import publish

NAME, PLAIN_PER_S, JOINED_PER_S = "digits-one", 60.0, 900.0


def repository(folder: Path, on: bool) -> Repository:
    """A variant of 60 images/s on one core, whose server answers 900 requests/s in joined batches of up to 8."""
    found = planning_profile(PLAIN_PER_S, dynamic_batching=(dynamic_batching(on),))
    return publish(folder / "repository", [item(NAME, found, folder, 0.96)])


@pytest.fixture
def on(tmp_path: Path) -> Repository:
    return repository(tmp_path, on=True)


@pytest.fixture
def off(tmp_path: Path) -> Repository:
    return repository(tmp_path, on=False)


def single(found: Repository) -> float:
    (task,) = trivial(found, task="digits", target=TARGET, demand_rps=10).tasks
    return task.versions[0].images_per_s


def test_the_planner_of_single_requests_uses_the_figure_under_batching(on: Repository) -> None:
    assert single(on) == JOINED_PER_S


def test_without_batching_it_uses_the_throughput_of_batch_1(off: Repository) -> None:
    assert single(off) == off.on(NAME, TARGET).images_per_s(1, 1.0) < JOINED_PER_S


def test_other_batches_of_clients_have_their_own_throughput(on: Repository) -> None:
    (task,) = trivial(on, task="digits", target=TARGET, demand_rps=10, batch=4).tasks
    assert task.versions[0].images_per_s == on.on(NAME, TARGET).images_per_s(4, 1.0)


def test_a_planner_that_chooses_batches_has_the_joined_batch_with_its_measured_rate(
    on: Repository, off: Repository
) -> None:
    rates = [
        {one.batch: one.rate_rps for one in variants(found, task="digits", target=TARGET) if one.cores == 1.0}
        for found in (on, off)
    ]
    assert rates[0][8] == JOINED_PER_S
    assert rates[0] | {8: 0.0} == rates[1] | {8: 0.0}
    assert rates[1][8] < JOINED_PER_S


def test_a_pipeline_of_batches_uses_the_joined_one_too(on: Repository) -> None:
    found = allocated(on.on(NAME, TARGET), threshold_rps=70.0, sla_ms=1000.0)
    assert found is not None
    assert found.throughput_rps[8] == JOINED_PER_S or found.cores != 1.0
    one = allocated(on.on(NAME, TARGET), threshold_rps=0.9 * JOINED_PER_S, sla_ms=1000.0)
    assert one is not None
    assert (one.cores, one.throughput_rps[8]) == (1.0, JOINED_PER_S)


def test_capacities_by_cores_are_those_under_batching_on_the_measured_cores(on: Repository, off: Repository) -> None:
    plans = [inf_adapter(found, task="digits", target=TARGET, demand_rps=10, deadline_ms=750) for found in (on, off)]
    with_it, without = (plan.variants[0].capacity_rps for plan in plans)
    assert with_it[1] == 800.0
    assert with_it | {1: 0.0} == without | {1: 0.0}


def test_the_simulated_server_joins_what_the_published_one_does(on: Repository, off: Repository) -> None:
    joined, plain = (MeasuredVariant(found.on(NAME, TARGET)) for found in (on, off))
    assert [joined.joined(1, 1.0), joined.joined(16, 1.0), joined.joined(1, 2.0)] == [8, 16, 1]
    assert plain.joined(1, 1.0) == 1


def test_the_batches_of_a_version_that_joins_are_measured_ones(on: Repository) -> None:
    assert (8, 1.0) in measured(on.on(NAME, TARGET))
