"""Paragon's problem from a repository."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from made_tasks import CORES, DEADLINES, TARGET, own_ms, reached, repository

from orchestrators.planners.paragon import Problem, QueryClass, from_repository, solve, two_levels
from porting.repository import Repository
from profiler.common.errors import BadInputError
from profiler.common.target import Price, Target

STATED = {"currency": "EUR", "as_of": date(2026, 11, 1), "per_hour": 0.1}
SERVERLESS = {"per_gb_s": 1.7e-5, "per_call": 2e-7}
PEAKED = two_levels(median_rps=200, peak_rps=2000, peak_share=0.01)


def priced(folder: Path, **changes: Any) -> Repository:
    price = Price.model_validate(STATED | SERVERLESS | changes)
    return repository(folder, target=Target(cores=1, price=price))


@pytest.fixture(scope="module")
def stated(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return priced(tmp_path_factory.mktemp("priced"))


def query(rates_rps: list[float], **changes: Any) -> QueryClass:
    values = {"name": "faces", "task": "digits", "min_accuracy": 0.9, "max_latency_ms": 60}
    return QueryClass.model_validate({"rates_rps": rates_rps} | values | changes)


def problem(published: Repository, *classes: QueryClass, **changes: Any) -> Problem:
    return from_repository(published, target=TARGET, classes=classes, **changes)


def test_a_vm_carries_what_its_profile_has_in_time(stated: Repository) -> None:
    middle = problem(stated, query([100.0], max_latency_ms=30)).variants[1]
    assert (middle.name, middle.accuracy) == ("digits-middle-0000000b", 0.92)
    alone_ms, alone_rps = own_ms(240, 1, 1), reached(240, 1, 1)
    rates = {vm.latency_ms: vm.rate_rps for vm in middle.vms}
    for multiple, share in DEADLINES.items():
        assert rates[multiple * alone_ms] == pytest.approx(share * alone_rps)
    # The bound itself lies between two measured deadlines.
    assert len(rates) == 4
    assert all((vm.target, vm.cores, vm.per_hour) == (TARGET, 1, 0.1) for vm in middle.vms)


def test_functions_have_the_latency_of_their_share_of_processors(stated: Repository) -> None:
    middle = problem(stated, query(PEAKED), gb_per_core=2).variants[1]
    assert [one.memory_gb for one in middle.functions] == [2 * cores for cores in CORES]
    assert [one.latency_ms for one in middle.functions] == pytest.approx([own_ms(240, 1, cores) for cores in CORES])
    assert middle.memory_gb == pytest.approx(311 / 1024)
    (asked,) = problem(stated, query(PEAKED), gb_per_core=2, memory_gb=[3]).variants[1].functions
    assert own_ms(240, 1, 2) < asked.latency_ms < own_ms(240, 1, 1)


def test_sizes_beyond_what_was_measured_are_refused(stated: Repository) -> None:
    with pytest.raises(BadInputError, match="cores=10 is outside of what was measured"):
        problem(stated, query(PEAKED), gb_per_core=1, memory_gb=[10])


def test_a_peaked_strict_class_gets_vms_for_its_median_and_functions_for_the_rest(stated: Repository) -> None:
    (choice,) = solve(problem(stated, query(PEAKED))).choices
    assert choice.variant == "digits-middle-0000000b"
    assert choice.function is not None
    assert choice.vms * choice.vm.rate_rps >= 200
    assert choice.latency_ms <= 60
    assert choice.cost_per_hour < 0.1 * 2000 / choice.vm.rate_rps


def test_prices_of_functions_are_asked_for_only_where_functions_may_run(tmp_path: Path) -> None:
    without = priced(tmp_path, per_gb_s=None, per_call=None)
    assert problem(without, query([100.0])).serverless is None
    assert problem(without, query(PEAKED, strict=False)).serverless is None
    said = r"local_cpu states no per_gb_s and no per_call: .*per_gb_s: ….* in conf/target/local_cpu\.yaml"
    with pytest.raises(BadInputError, match=said):
        problem(without, query(PEAKED))


def test_a_vm_without_a_price_is_refused_with_where_to_state_it(tasks: Repository) -> None:
    with pytest.raises(BadInputError, match=r"states no per_hour: .* in conf/target/local_cpu\.yaml"):
        problem(tasks, query([100.0]))


def test_a_counted_start_up_is_to_be_stated(stated: Repository) -> None:
    with pytest.raises(BadInputError, match="states no start_up_s"):
        problem(stated, query(PEAKED), cold=True)


def test_without_a_capacity_the_error_says_what_measures_it(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"has no capacity: .*profile=full target=local_cpu measures it"):
        problem(
            repository(tmp_path, capacity=[], target=Target(cores=1, price=Price.model_validate(STATED))), query([1.0])
        )
