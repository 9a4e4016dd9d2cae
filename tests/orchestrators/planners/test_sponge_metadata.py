"""Sponge's problem from a repository."""

from pathlib import Path
from typing import Any

import pytest
from full_profile import item
from made_tasks import TARGET, latency, own_ms, planning_profile

from orchestrators.planners.sponge import Problem, from_repository, solve
from porting.repository import Repository
from porting.repository.publishing.writer import publish
from profiler.common.errors import BadInputError

LARGE, MIDDLE, SMALL = "digits-large-0000000a", "digits-middle-0000000b", "digits-small-0000000c"


def asked(tasks: Repository, **changes: Any) -> Problem:
    values: dict[str, Any] = {"demand_rps": 20, "slo_ms": 400}
    return from_repository(tasks, task="digits", target=TARGET, **values | changes)


def served(folder: Path, latencies: list[Any]) -> Repository:
    """A repository of one variant with these latencies."""
    return publish(folder / "repository", [item(LARGE, planning_profile(100, latency=latencies), folder)])


def points(own_cores: float, runtime: str = "triton", batches: tuple[int, ...] = (1, 2, 4, 8)) -> list[Any]:
    """Latency by the law of 100 images/s on these cores, in the profiler's process ten times as quick."""
    share = 1.0 if runtime == "triton" else 0.1
    at = {"cores": own_cores, "threads": max(1, int(own_cores)), "runtime": runtime}
    return [latency(share * own_ms(100, batch, own_cores), batch, at) for batch in batches]


def test_latency_is_the_measured_table_on_whole_cores_interpolated_in_between(tasks: Repository) -> None:
    problem = asked(tasks)
    assert problem.variant == LARGE
    assert list(problem.latency_ms) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert list(problem.latency_ms[3]) == list(range(1, 17))
    assert problem.latency_ms[2][8] == pytest.approx(own_ms(60, 8, 2))
    assert problem.latency_ms[3][8] == pytest.approx((own_ms(60, 8, 2) + own_ms(60, 8, 4)) / 2)
    assert problem.latency_ms[2][6] == pytest.approx((own_ms(60, 4, 2) + own_ms(60, 8, 2)) / 2)


def test_the_published_fit_is_within_what_it_was_fitted_on(tasks: Repository) -> None:
    problem = asked(tasks, latency="fit")
    assert problem.latency_ms[3][7] == pytest.approx(own_ms(60, 7, 3))
    assert (max(problem.latency_ms), max(problem.latency_ms[8])) == (8, 16)


def test_without_a_queue_as_many_wait_as_arrive_within_one_slo(tasks: Repository) -> None:
    assert asked(tasks).remaining_ms == [400.0] * 8
    assert asked(tasks, demand_rps=0).remaining_ms == [400.0]


def test_an_unknown_source_of_the_latency_is_refused(tasks: Repository) -> None:
    with pytest.raises(BadInputError, match="unknown latency 'tabel': choices are table, fit"):
        asked(tasks, latency="tabel")


def test_each_request_has_its_own_communication_latency_once(tasks: Repository) -> None:
    problem = asked(tasks, communication_ms=[100, 30])
    assert (problem.remaining_ms, problem.cl_max_ms) == ([300, 370], 0)


def test_a_bandwidth_log_says_what_the_network_took_of_inputs_of_the_variants_size(
    tasks: Repository, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    # 1,024 pixels of 4 bytes: 32 ms, and from 60 s on 256 ms of the 400.
    log.write_text("0 60000 51 3 7680000 60000\n0 120000 51 3 960000 60000\n")
    assert asked(tasks, bandwidth=log).remaining_ms == pytest.approx([400 - 32] * 8)
    assert asked(tasks, bandwidth=log, bandwidth_from_s=60).remaining_ms == pytest.approx([400 - 256] * 8)
    with pytest.raises(BadInputError, match="give one of them"):
        asked(tasks, bandwidth=log, communication_ms=[1.0])


def test_the_literal_form_gives_all_the_highest_communication_latency(tasks: Repository) -> None:
    problem = asked(tasks, communication_ms=[100, 30], literal=True)
    assert (problem.remaining_ms, problem.cl_max_ms) == ([400, 400], 100)


def test_a_variant_is_chosen_by_name(tasks: Repository) -> None:
    assert asked(tasks, variant=SMALL).latency_ms[1][1] == pytest.approx(own_ms(900, 1, 1))
    with pytest.raises(BadInputError, match=f"no variant 'other' of digits .* choices are {LARGE}, {MIDDLE}, {SMALL}"):
        asked(tasks, variant="other")


def test_a_quicker_variant_needs_fewer_cores(tasks: Repository) -> None:
    # 70 a second are over the large one's 60 on one core; on two, 14 single requests of 11.8 ms take 165 ms.
    plans = [solve(asked(tasks, variant=name, demand_rps=70, slo_ms=200)) for name in (LARGE, SMALL)]
    assert [(plan.cores, plan.batch) for plan in plans] == [(2, 1), (1, 1)]
    assert max(plans[0].answered_ms) == pytest.approx(14 * own_ms(60, 1, 2))


def test_core_counts_are_compared_on_one_runtime(tmp_path: Path) -> None:
    own, others = points(1, "onnxruntime"), [*points(1), *points(2), *points(4)]
    table = asked(served(tmp_path, [*own, *others])).latency_ms
    assert table[1][4] == pytest.approx(own_ms(100, 4, 1))
    assert table[2][4] == pytest.approx(own_ms(100, 4, 2))


def test_with_its_own_cores_alone_only_the_batch_is_chosen(tmp_path: Path) -> None:
    own = served(tmp_path, points(1))
    assert list(asked(own).latency_ms) == [1]
    with pytest.raises(BadInputError, match=r"no fit over batch and cores \(1 distinct value\(s\) of cores"):
        asked(own, latency="fit")


def test_what_was_measured_on_one_of_the_core_counts_is_chosen_there_alone(tmp_path: Path) -> None:
    problem = asked(served(tmp_path, [*points(1, batches=(1, 8, 16)), *points(2, batches=(1, 8))]))
    assert (max(problem.latency_ms[1]), max(problem.latency_ms[2])) == (16, 8)


def test_parts_of_a_core_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"0\.5 cores only, and whole ones are chosen"):
        asked(served(tmp_path, points(0.5)))


def test_without_a_latency_it_is_said_what_measures_it(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=rf"{LARGE} has no latency: .* profile=full target={TARGET} measures it"):
        asked(served(tmp_path, []))
