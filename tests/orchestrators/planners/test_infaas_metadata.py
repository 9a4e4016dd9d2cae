"""INFaaS' problem from a repository."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from full_profile import item
from made_tasks import CORES, TARGET, own_ms, planning_profile, reached, repository

from orchestrators import Infeasible
from orchestrators.planners.infaas import Problem, Query, choose, from_repository, greedy, solve, variants
from porting.repository import Repository
from porting.repository.publishing.writer import publish
from profiler.common.errors import BadInputError
from profiler.common.target import Price, Target


def problem(tasks: Repository, **changes: Any) -> Problem:
    values: dict[str, Any] = {"target": TARGET, "demand_rps": 500, "deadline_ms": 60, "max_cores": 8}
    return from_repository(tasks, task="digits", **values | changes)


def test_a_variant_is_a_network_on_measured_cores_with_a_measured_batch(tasks: Repository) -> None:
    found = variants(tasks, task="digits", target=TARGET)
    assert len(found) == 3 * 5 * 5
    (one,) = [one for one in found if (one.name, one.cores, one.batch) == ("digits-middle-0000000b", 2, 8)]
    assert one.accuracy == 0.92
    assert one.latency_ms == pytest.approx(own_ms(240, 8, 2))
    assert one.rate_rps == pytest.approx(reached(240, 8, 2))
    assert one.load_s == pytest.approx(0.2 + 40 / 240)
    assert one.cost == 2


def test_the_problem_offers_the_quickest_batch_in_time_for_each_number_of_cores(tasks: Repository) -> None:
    found = problem(tasks).variants
    assert len(found) == 3 * len(CORES)
    (one,) = [one for one in found if (one.name, one.cores) == ("digits-middle-0000000b", 2)]
    assert one.batch == 16
    assert own_ms(240, 16, 2) < 60
    (slow,) = [one for one in found if (one.name, one.cores) == ("digits-large-0000000a", 2)]
    assert slow.batch == 4
    assert own_ms(60, 8, 2) > 60


def test_a_plan_carries_the_demand_with_its_slack_in_time(tasks: Repository) -> None:
    for way in (solve, greedy):
        plan = way(problem(tasks, accuracy=0.9))
        assert sum(one.rate_rps for one in plan.deployments) == pytest.approx(500)
        assert sum(one.variant.rate_rps * one.count for one in plan.scalings) >= 525
        assert all(one.variant.accuracy >= 0.9 for one in plan.scalings)
        assert sum(one.cores * one.replicas for one in plan.deployments) <= 8


def test_what_runs_is_counted_and_kept(tasks: Repository) -> None:
    first = solve(problem(tasks))
    again = solve(problem(tasks, running=first.counts))
    assert again.counts == first.counts
    assert again.actions == {"digits": "keep"}
    assert again.load_cost == 0


@pytest.mark.parametrize(
    "gone",
    [
        "digits-gone-0000000d@local_cpu/cores=1/batch=1",
        "digits-large-0000000a@local_cpu/cores=3/batch=1",
        "digits-large-0000000a@cloud/cores=1/batch=1",
    ],
)
def test_what_runs_and_was_not_measured_any_more_carries_nothing(tasks: Repository, gone: str) -> None:
    kept = solve(problem(tasks)).counts
    assert problem(tasks, running={gone: 2, **kept}) == problem(tasks, running=kept)
    for way in (solve, greedy):
        assert gone not in way(problem(tasks, running={gone: 2})).counts


def test_running_instances_that_are_not_named_by_a_key_are_refused_with_one(tasks: Repository) -> None:
    message = (
        "running names 'digits-large-0000000a', which is no Variant.key: "
        "keys are such as digits-large-0000000a@local_cpu/cores=0.5/batch=1"
    )
    with pytest.raises(BadInputError, match=message):
        problem(tasks, running={"digits-large-0000000a": 1})


def test_memory_is_bounded_where_asked(tasks: Repository) -> None:
    # Each instance takes a little more than 310 MiB.
    assert solve(problem(tasks, max_memory_bytes=1 << 30)).objective > 0
    with pytest.raises(Infeasible, match=r"memory_bytes of local_cpu, which has 1e\+06"):
        solve(problem(tasks, max_memory_bytes=1_000_000))


def test_too_large_a_demand_names_the_cores_that_it_takes(tasks: Repository) -> None:
    with pytest.raises(Infeasible, match="cores of local_cpu, which has 1: raise the limit"):
        solve(problem(tasks, demand_rps=1e4, max_cores=1))


def test_a_query_is_answered_from_the_metadata(tasks: Repository) -> None:
    choice = choose(Query(task="digits", accuracy=0.9, latency_ms=1000), variants(tasks, task="digits", target=TARGET))
    assert choice.variant.name == "digits-middle-0000000b"
    assert choice.load


def priced(folder: Path, price: Price | None, name: str = TARGET) -> Repository:
    return repository(folder, target=Target(cores=1, price=price), target_name=name)


def test_a_stated_price_is_shared_out_by_cores(tmp_path: Path) -> None:
    euros = Price(currency="EUR", as_of=date(2026, 11, 1), per_hour=0.2)
    found = variants(priced(tmp_path, euros), task="digits", target=TARGET)
    assert {one.cores: one.cost for one in found} == pytest.approx({cores: 0.2 * cores for cores in CORES})


def test_without_the_figures_the_error_says_what_measures_them(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"has no load time: .*profile=full target=local_cpu measures it"):
        problem(repository(tmp_path, load_time=[]))


def on_two_targets(folder: Path, first: Price | None, second: Price | None) -> Repository:
    """One network that is measured on both."""
    profiles = {
        name: planning_profile(240, target=Target(cores=1, price=price), target_name=name)
        for name, price in (("edge", first), ("cloud", second))
    }
    folder.mkdir(exist_ok=True)
    return publish(folder / "repository", [item("digits-a", profiles["edge"], folder, 0.9, profiles=profiles)])


def test_the_cheaper_of_two_targets_carries_what_it_can(tmp_path: Path) -> None:
    dear, cheap = (Price(currency="EUR", as_of=date(2026, 11, 1), per_hour=hourly) for hourly in (0.2, 0.1))
    both = on_two_targets(tmp_path, dear, cheap)
    plan = solve(problem(both, target=["edge", "cloud"], max_cores={"edge": 8, "cloud": 1}))
    on = {one.variant.target: one.count * one.variant.cores for one in plan.scalings if one.count}
    assert on["cloud"] == 1
    assert on["edge"] >= 0.5


def test_prices_that_cannot_be_added_are_refused_with_where_to_state_them(tmp_path: Path) -> None:
    euros, dollars = (Price(currency=one, as_of=date(2026, 11, 1), per_hour=0.1) for one in ("EUR", "USD"))
    for name, second, kind in (("currencies", dollars, "USD"), ("none", None, "cores")):
        both = on_two_targets(tmp_path / name, euros, second)
        with pytest.raises(BadInputError, match=rf"edge in EUR, cloud in {kind}.*conf/target/cloud.yaml"):
            problem(both, target=["edge", "cloud"])


def test_a_target_without_a_limit_is_refused(tasks: Repository) -> None:
    with pytest.raises(BadInputError, match="max_cores has no figure for local_cpu"):
        problem(tasks, max_cores={"edge": 8})
