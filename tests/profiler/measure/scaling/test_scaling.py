"""Other numbers of cores and instances, on a host whose speed is known to follow them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from narrowing import known
from stub_host import StubHost, go_through, maximum, model_on
from support import write_network

from profiler.analysis.comparison import speed_ups
from profiler.common.profile_settings import ScalingSettings
from profiler.common.target import Resources, Target
from profiler.measure.ledger import Ledger
from profiler.measure.scaling import part as scaling
from profiler.measure.scaling.part import offered
from profiler.records.latency import LatencyPoint
from profiler.records.throughput import MaximalThroughput
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import prepared_target

pytestmark = pytest.mark.alone


def settings(cores: list[float], instances: list[int], batches: list[int]) -> ScalingSettings:
    return ScalingSettings(cores=cores, instances=instances, batches=batches, latency_seconds=0.5, settle_seconds=0.02)


WANTED = settings([1, 2], [1], [1, 4])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelUnderTest]:
    """A model of 8 ms on a core, in a server whose process can be pinned."""
    path = write_network(tmp_path_factory.mktemp("scaling") / "model.onnx")
    with subprocess.Popen(["sleep", "600"]) as process:
        yield model_on(StubHost(0.008, process=process.pid), path)
        process.kill()


@pytest.fixture(scope="module")
def ledger(model: ModelUnderTest) -> Ledger:
    """Everything that was wanted."""
    return scaled(model, WANTED)


def scaled(model: ModelUnderTest, wanted: ScalingSettings) -> Ledger:
    ledger = Ledger([], [])
    go_through(scaling.measurements(model, wanted, ledger), ledger, "scaling")
    return ledger


def test_every_combination_has_a_latency_and_a_maximum(ledger: Ledger) -> None:
    wanted = {(cores, batch) for cores in (1.0, 2.0) for batch in (1, 4)}
    assert {(point.cores, point.batch) for point in ledger.of(MaximalThroughput)} == wanted
    assert {(one.cores, one.batch) for one in ledger.of(LatencyPoint) if one.concurrency == 1} == wanted


def test_twice_the_cores_show_as_twice_the_throughput_and_half_the_latency(ledger: Ledger) -> None:
    for found in speed_ups(ledger.of(MaximalThroughput)):
        assert 1.5 < found.ratio < 2.7
    one, two = (next(p for p in ledger.of(LatencyPoint) if (p.cores, p.concurrency) == (c, 1)) for c in (1, 2))
    assert 1.5 < known(one.p50_ms) / known(two.p50_ms) < 2.7


def test_what_the_ledger_has_is_not_measured_again(ledger: Ledger, model: ModelUnderTest) -> None:
    assert go_through(scaling.measurements(model, WANTED, ledger), ledger, "scaling") == []


def test_a_maximum_that_another_part_measured_is_not_searched_for(model: ModelUnderTest) -> None:
    known = Ledger([maximum(200, batch=4)], [])
    wanted = scaling.measurements(model, settings([1], [1], [4]), known)
    assert [measurement.kind for measurement in wanted] == [LatencyPoint]


def test_instances_share_the_cores_out_to_their_threads(network: Path) -> None:
    model = model_on(StubHost(0.004, process=1), network)
    assert list(offered(model, settings([0.5, 1, 2], [1, 2], [1]))) == [
        Resources(0.5, 1, 1), Resources(1, 1, 1), Resources(2, 2, 1),
        Resources(0.5, 1, 2), Resources(1, 1, 2), Resources(2, 1, 2),
    ]  # fmt: skip


def test_the_targets_own_threads_are_kept(network: Path) -> None:
    model = model_on(StubHost(0.004, process=1), network, Target(cores=1, threads=3))
    assert list(offered(model, settings([1], [1], [1]))) == [Resources(1, 3, 1)]


def test_cores_that_the_machine_has_not_are_left_out(network: Path) -> None:
    model = model_on(StubHost(0.004, process=1), network)
    assert [one.cores for one in offered(model, settings([1, 2, 64], [1], [1]))] == [1, 2]


@pytest.mark.parametrize(
    ("host", "target", "cores"),
    [
        (StubHost(0.004, address=None, process=1), Target(runtime="onnxruntime"), [1, 2]),
        (StubHost(0.004, address=None, process=1), Target(runtime="onnxruntime", providers=("openvino",)), [1]),
        (StubHost(0.004, process=None), Target(endpoint="127.0.0.1:1"), [1]),
    ],
)
def test_a_host_that_cannot_be_confined_keeps_its_cores(
    network: Path, host: StubHost, target: Target, cores: list[float]
) -> None:
    model = model_on(host, network, target)
    assert [one.cores for one in offered(model, settings([0.5, 1, 2], [1], [1]))] == cores


def test_a_deployed_model_has_the_resources_that_it_has(network: Path) -> None:
    model = model_on(StubHost(0.004), network, Target(runtime="v2", endpoint="127.0.0.1:1", model="deployed"))
    assert list(offered(model, settings([0.5, 1, 2], [1, 2], [1]))) == [Resources(1, 1, 1)]


def test_a_speed_up_is_bounded_by_the_ends_of_both_intervals() -> None:
    (found,) = speed_ups([maximum(100, spread=10), maximum(180, spread=20, cores=2)])
    assert (found.ratio, found.low, found.high) == pytest.approx((1.8, 160 / 110, 200 / 90))


def test_a_speed_up_without_an_interval_has_no_bounds() -> None:
    (found,) = speed_ups([maximum(100), maximum(40, spread=4, cores=0.5)])
    assert (found.ratio, found.low, found.high) == (0.4, None, None)


def test_a_speed_up_needs_one_core_with_as_many_instances() -> None:
    assert speed_ups([maximum(100), maximum(180, cores=2, instances=2)]) == []


@pytest.mark.quiet
@pytest.mark.integration
def test_half_a_core_of_a_real_server_answers_less_than_a_whole_one(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling, "MAX_CONCURRENCY", 2)
    with (
        prepared_target("here", Target()) as here,
        ModelUnderTest(here, network) as model,
    ):
        ledger = scaled(model, settings([0.5, 1], [1], [4]))
    (found,) = speed_ups(ledger.of(MaximalThroughput))
    assert 0.2 < found.ratio < 0.9
    assert {point.runtime for point in ledger.points} == {"triton"}
