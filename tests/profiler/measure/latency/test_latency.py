"""The latency of full batches in this process: warm, each with as many percentiles as its samples can bear."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from blank import blank_level, blank_profile, noise
from narrowing import known
from onnx import TensorProto, helper, save
from stub_host import REFERENCE_PER_S, StubHost, go_through, model_on
from support import write_network

from profiler.common.errors import ModelError
from profiler.common.profile_settings import LatencySettings
from profiler.common.target import Resources, Target
from profiler.measure.latency.part import MINIMUM_SAMPLES, measure_batch, measurements, wanted_s
from profiler.measure.latency.point import UNFOLLOWED_SD, latency_point
from profiler.measure.ledger import Ledger
from profiler.measure.throughput import client_latency
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place
from profiler.runtimes.own_process import OwnProcess
from profiler.runtimes.session import input_tensor, open_session
from profiler.target.model_under_test import ModelUnderTest

ONE = Resources(cores=1, threads=1, instances=1)
SHAPE = (1, 8, 8)
PLACE = Place("onnxruntime", ONE, batch=1, concurrency=1, input_shape=SHAPE)


class Slow(torch.nn.Module):
    """(N, 1, 8, 8) to (N, 3), in much more time than the network of the ONNX file beside it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = torch.ones(400, 400)
        for _ in range(20):
            wide = wide @ wide / 400.0
        return x.flatten(1)[:, :3] * wide[0, 0]


def settings(batches: list[int], seconds: float = 0.02, **more: float) -> LatencySettings:
    level = blank_level(latency={"batches": batches, "seconds": seconds, "input_sizes": [], **more})
    assert level.latency is not None
    return level.latency


def test_every_batch_has_warm_latencies_that_its_raw_samples_give_again(network: Path) -> None:
    model, ledger = model_on(StubHost(0.001), network), Ledger([], [])
    go_through(measurements(model, settings([4, 1]), ledger), ledger, "latency")
    points = ledger.of(LatencyPoint)
    assert [point.batch for point in points] == [1, 4]
    for point in points:
        samples = model.samples[f"latency_onnxruntime_1x8x8_batch_{point.batch}_ms"]
        assert point.n == len(samples) >= 10
        assert point.mean_ms == pytest.approx(np.mean(samples))
        assert point.p50_ms == pytest.approx(np.median(samples))
        assert point.noise.reference_per_s == REFERENCE_PER_S


def test_one_session_serves_one_caller_whatever_instances_the_target_has(network: Path) -> None:
    model, ledger = model_on(StubHost(0.001), network, Target(instances=3)), Ledger([], [])
    go_through(measurements(model, settings([1]), ledger), ledger, "latency")
    (point,) = ledger.of(LatencyPoint)
    assert (point.runtime, point.instances, point.concurrency) == ("onnxruntime", 1, 1)


def test_what_a_batch_took_tells_what_the_next_will_take(network: Path) -> None:
    work = measurements(model_on(StubHost(0.001), network), settings([1, 64], seconds=0.1), Ledger([], []))
    assert next(work).seconds == 0.1
    slow = latency_point(PLACE, [500.0] * 10, [1.0] * 10, noise(), 0.0)
    assert work.send(slow).seconds > 64 * MINIMUM_SAMPLES * 0.5


def test_a_point_has_the_wanted_number_of_inferences(network: Path) -> None:
    point = measure_batch(model_on(StubHost(0.001), network), PLACE, settings([1], 0.001, inferences=1000))
    assert point.n >= 1000
    assert point.p99_ms is not None


def test_the_time_for_the_wanted_inferences_has_an_end(network: Path) -> None:
    few = settings([64], 0.001, inferences=1_000_000, longest_seconds=0.2)
    assert measure_batch(model_on(StubHost(0.001), network), replace(PLACE, batch=64), few).n < 1_000_000
    assert wanted_s(few, 0.5) == 0.2


def test_a_short_point_of_the_sweep_is_measured_again_for_its_inferences(network: Path) -> None:
    model, wanted = model_on(StubHost(0.001), network), settings([1], 0.01, inferences=200)
    place = Place(model.runtime, model.own, 1, concurrency=1, input_shape=SHAPE)
    short = latency_point(place, [1.0] * 10, [1.0] * 10, noise(), 0.0).model_copy(update={"part": "throughput"})
    ledger = Ledger([short], [])
    go_through(client_latency.measurements(model, wanted, ledger), ledger, "latency")
    (point,) = ledger.of(LatencyPoint)
    assert (point.part, point.n > short.n) == ("latency", True)
    assert go_through(client_latency.measurements(model, wanted, ledger), ledger, "latency") == []


def test_the_latency_of_a_torch_target_is_that_of_its_program(network: Path) -> None:
    torch_program = network.with_suffix(".pt")
    with warnings.catch_warnings():
        # TorchScript is deprecated but still what runtime=torch serves.
        warnings.simplefilter("ignore")
        torch.jit.script(Slow()).save(torch_program)  # type: ignore[no-untyped-call]
    target = Target(runtime="torch")
    model, ledger = model_on(OwnProcess(target), network, target), Ledger([], [])
    go_through(measurements(model, settings([1]), ledger), ledger, "latency")
    (point,) = ledger.of(LatencyPoint)
    assert point.runtime == "torch"
    assert point.mean_ms > 2 * measure_batch(model_on(StubHost(0.001), network), PLACE, settings([1])).mean_ms
    profile = blank_profile().model_copy(update={"target": target, "latency": (point,)})
    assert profile.compute_latency_at(1) == profile.latency_at(1) == point


def test_percentiles_that_the_samples_cannot_bear_are_null_with_the_reason(network: Path) -> None:
    point = measure_batch(model_on(StubHost(0.001), network), replace(PLACE, batch=64), settings([64], 0.001))
    few = latency_point(point.place, [1.0] * 10, [1.0] * 10, point.noise, 0.0)
    assert few.p50_ms == 1.0
    assert few.p99_ms is None
    assert few.reasons["p99_ms"] == "p99 needs 459 samples, 10 were taken"


def test_the_median_is_as_measured_and_its_ratio_to_the_reference_does_not_see_a_slow_moment() -> None:
    times_ms, rates_per_s = [2.0] * 6 + [8.0] * 6, [1000.0] * 6 + [250.0] * 6
    point = latency_point(PLACE, times_ms, rates_per_s, noise(), 0.0)
    assert point.p50_ms == 5.0
    assert known(point.p50_low_ms) < known(point.p50_high_ms)
    assert point.relative_p50 == 2.0
    assert known(point.high_relative_p50) / 2.0 == pytest.approx(np.exp(1.96 * UNFOLLOWED_SD))


def test_the_intervals_of_absolute_latencies_contain_the_drift_of_the_machine() -> None:
    point = latency_point(PLACE, [2.0] * 1000, [1000.0] * 1000, noise(), 0.03)
    for value, low, high in (
        (point.p50_ms, point.p50_low_ms, point.p50_high_ms),
        (point.p99_ms, point.p99_low_ms, point.p99_high_ms),
    ):
        assert known(high) / known(value) == pytest.approx(np.exp(1.96 * 0.03))
        assert known(value) / known(low) == pytest.approx(np.exp(1.96 * 0.03))


def test_a_percentile_has_an_interval_and_an_upper_bound_of_99_percent() -> None:
    samples = np.random.default_rng(0).exponential(1.0, 2000)
    point = latency_point(PLACE, samples.tolist(), [1000.0] * 2000, noise(), 0.0)
    assert known(point.p99_low_ms) < known(point.p99_ms) < known(point.p99_high_ms) <= known(point.p99_bound_ms)
    assert known(point.p99_low_ms) < -np.log(0.01) < known(point.p99_high_ms)


def test_a_fixed_batch_axis_is_refused(tmp_path: Path) -> None:
    path = write_network(tmp_path / "fixed.onnx", batch=4)
    with pytest.raises(ModelError, match="export with a symbolic first axis"):
        input_tensor(open_session(path, 1))


def test_a_size_that_the_graph_does_not_take_is_told_in_onnxruntime_s_words(network: Path, tmp_path: Path) -> None:
    prepared = model_on(StubHost(0.001), network).prepared
    model = ModelUnderTest(prepared, only_64_values(tmp_path / "picky.onnx"), [64])
    assert measure_batch(model, replace(PLACE, input_shape=(64,)), settings([1], 0.001)).n >= 10
    with pytest.raises(ModelError, match=r"does not run the graph on \[\(2, 65\)\] \(.*[Dd]imension.*\): leave that"):
        measure_batch(model, replace(PLACE, batch=2, input_shape=(65,)), settings([2], 0.001))


def only_64_values(path: Path) -> Path:
    """A graph that leaves its input's size open, and multiplies it with a matrix of 64 rows."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["input", "weight"], ["output"])],
        "picky",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", "size"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 2])],
        [helper.make_tensor("weight", TensorProto.FLOAT, [64, 2], np.ones(128))],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path
