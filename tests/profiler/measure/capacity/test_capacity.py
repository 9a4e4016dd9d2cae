"""The part of a profile that offers Poisson arrivals: on stubs, on a real model in this process, on a real server."""

from contextlib import suppress
from pathlib import Path

import pytest
from made_points import capacity as capacity_point
from narrowing import known
from stub_host import StubHost, go_through, maximum, model_on
from support import write_network

from profiler.common.profile_settings import CapacitySettings
from profiler.common.target import Resources, Target
from profiler.load_generator.reference import InProcessReference
from profiler.measure.capacity import part as capacity
from profiler.measure.capacity.goal import usual_deadlines_ms
from profiler.measure.capacity.part import resources_of
from profiler.measure.ledger import Ledger
from profiler.records.base import Point
from profiler.records.capacity import Capacity, LoadPoint
from profiler.records.throughput import ThroughputPoint
from profiler.runtimes.own_process import OwnProcess
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import prepared_target


def settings(
    cores: list[float], loads: list[float], deadlines_ms: list[float] | None, usual_ms: list[float] | None = None
) -> CapacitySettings:
    return CapacitySettings(
        cores=cores, deadlines_ms=deadlines_ms, usual_deadlines_ms=usual_ms, quantile=0.9, seconds=0.2, loads=loads
    )


WANTED = settings([1], [0.2, 0.4], [12, 40])


def carried(model: ModelUnderTest, wanted: CapacitySettings, *known: Point) -> Ledger:
    ledger = Ledger(known, [])
    go_through(capacity.measurements(model, wanted, ledger), ledger, "capacity")
    return ledger


def asked(model: ModelUnderTest, wanted: CapacitySettings, *known: Point) -> list[float | None]:
    """The deadlines of the capacities that the part asks for, without a measurement of them."""
    work, answer, deadlines_ms = (
        capacity.measurements(model, wanted, ledger := Ledger(known, [])),
        None,
        list[float | None](),
    )
    with suppress(StopIteration):
        while True:
            measurement = work.send(answer)
            if measurement.kind is Capacity:
                deadlines_ms.append(measurement.place.deadline_ms)
            else:
                ledger.add("capacity", measurement.measure())
    return deadlines_ms


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelUnderTest, Ledger]:
    """A stub that was offered two loads and searched for two deadlines."""
    network = write_network(tmp_path_factory.mktemp("stub") / "model.onnx")
    model = model_on(StubHost(0.004), network)
    return model, carried(model, WANTED, maximum(200.0, relative_throughput=0.2))


def test_every_load_and_every_deadline_has_its_point(stub: tuple[ModelUnderTest, Ledger]) -> None:
    _, ledger = stub
    assert [point.load_share for point in ledger.of(LoadPoint)] == [0.2, 0.4]
    assert [point.deadline_ms for point in ledger.of(Capacity)] == [12, 40]
    assert {one.deadline_ms for point in ledger.of(LoadPoint) for one in point.in_time} == {12, 40}


def test_a_second_run_measures_nothing_again(stub: tuple[ModelUnderTest, Ledger]) -> None:
    model, ledger = stub
    assert go_through(capacity.measurements(model, WANTED, ledger), ledger, "capacity") == []


def test_a_deadline_below_the_latency_of_a_request_is_unavailable_and_takes_no_time(network: Path) -> None:
    ledger = carried(model_on(StubHost(0.004), network), settings([1], [], [0.5, 20]), maximum(200.0))
    assert [point.deadline_ms for point in ledger.of(Capacity)] == [20]
    (missing,) = ledger.missing
    assert (missing.point, missing.at["deadline_ms"], missing.verdict) == ("Capacity", 0.5, "unavailable")
    assert missing.reason.startswith("the deadline of 0.5 ms is not above the 4")


def test_deadlines_are_those_of_the_task_unless_the_user_gives_others(network: Path) -> None:
    model = model_on(StubHost(0.004), network)
    assert asked(model, settings([1], [], None, [15, 30]), maximum(200.0)) == [15, 30]
    assert asked(model, settings([1], [], [25], [15, 30]), maximum(200.0)) == [25]


def test_a_single_file_has_three_deadlines_from_its_own_latency_and_keeps_them(network: Path) -> None:
    model = model_on(StubHost(0.03), network)
    found = asked(model, settings([1], [], None), maximum(30.0))
    assert found in ([100, 200, 500], [200, 500, 1000])
    kept = Capacity.model_validate(dict(capacity_point(1.0, 2)) | {"part": "capacity", "deadline_ms": 70.0})
    assert asked(model, settings([1], [], None, [100, 200]), maximum(30.0), kept) == [70]


@pytest.mark.parametrize(
    ("slowest_ms", "deadlines_ms"),
    [(0.8, [2, 5, 10]), (1, [2, 5, 10]), (1.01, [5, 10, 20]), (4.9, [10, 20, 50]), (0.03, [0.1, 0.2, 0.5])],
)
def test_usual_deadlines_are_three_round_numbers_from_twice_the_slowest_latency_on(
    slowest_ms: float, deadlines_ms: list[float]
) -> None:
    assert usual_deadlines_ms(slowest_ms) == deadlines_ms


def test_the_deadlines_of_a_task_are_no_setting_that_a_profile_is_compared_by() -> None:
    one, other = settings([1], [], None), settings([1], [], None, [15, 30])
    assert one.model_dump() == other.model_dump()


def test_loads_are_resources_of_the_maximum_that_is_known(stub: tuple[ModelUnderTest, Ledger]) -> None:
    _, ledger = stub
    found = [(point.max_requests_per_s, point.offered_per_s) for point in ledger.of(LoadPoint)]
    assert found == [pytest.approx((200.0, 40.0)), pytest.approx((200.0, 80.0))]


def test_a_maximum_that_is_not_known_is_searched_for(network: Path) -> None:
    ledger = carried(model_on(StubHost(0.004), network), settings([1], [0.2], [20]))
    rates = [point.images_per_s for point in ledger.of(ThroughputPoint)]
    (found,) = ledger.of(LoadPoint)
    assert found.max_requests_per_s in rates
    assert found.max_requests_per_s > 0.9 * max(rates)


def test_other_cores_come_with_instances_in_proportion(network: Path) -> None:
    model = model_on(StubHost(0.004, process=1), network, Target(instances=2))
    assert resources_of(model, [0.5, 1, 2, 4096]) == [
        Resources(1, 1, 2),
        Resources(0.5, 1, 1),
        Resources(2, 1, 4),
    ]


def test_in_this_process_other_cores_are_threads_and_whole(network: Path) -> None:
    model = model_on(OwnProcess(Target(runtime="onnxruntime")), network, Target(runtime="onnxruntime"))
    assert resources_of(model, [0.5, 1, 2]) == [Resources(1, 1, 1), Resources(2, 2, 1)]


def test_a_real_model_in_this_process_has_its_figures(network: Path) -> None:
    target = Target(runtime="onnxruntime")
    model = model_on(OwnProcess(target), network, target, InProcessReference([0]))
    ledger = carried(model, settings([1], [0.1], [20]))
    (load,), (found,) = ledger.of(LoadPoint), ledger.of(Capacity)
    assert load.answered + load.lost == load.requests
    assert known(load.server_cores_used) > 0
    assert known(load.core_s_per_inference) > 0
    assert load.verdict_reason
    assert found.verdict_reason
    assert found.runtime == "onnxruntime"
    assert LoadPoint.model_validate_json(load.model_dump_json()) == load
    assert Capacity.model_validate_json(found.model_dump_json()) == found


@pytest.mark.alone
@pytest.mark.integration
def test_a_real_server_has_loads_and_a_capacity(network: Path) -> None:
    with (
        prepared_target("here", Target()) as here,
        ModelUnderTest(here, network) as model,
    ):
        ledger = carried(model, settings([1], [0.2], [20]))
    (load,), (found,) = ledger.of(LoadPoint), ledger.of(Capacity)
    assert load.runtime == found.runtime == "triton"
    assert (load.answered, load.lost) == (load.requests, 0)
    assert known(load.server_cores_used) > 0
    assert load.exploding is not True
    assert found.deadline_ms > 0
    assert found.trials
    assert found.verdict_reason
