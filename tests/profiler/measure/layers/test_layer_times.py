"""The times of the layers of real networks, and the causes in words that these networks show."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from blank import blank_level, blank_profile, noise
from onnx import NodeProto, TensorProto, helper, numpy_helper, save
from stub_host import StubHost, go_through, model_on

from profiler.analysis.why_not_quicker import why_not_quicker
from profiler.common.target import Resources, Target
from profiler.graph.layers import count_layers, sum_layers
from profiler.measure.layers import point as point_module
from profiler.measure.layers.clocked_runs import ClockCost, Cost, Runs, middle
from profiler.measure.layers.part import measurements
from profiler.measure.layers.point import LayerNode
from profiler.measure.ledger import Ledger
from profiler.records.layer_time import LayerTimes
from profiler.records.place import Place
from profiler.records.profile import Profile
from profiler.runtimes.kernel_clock import Kernel
from profiler.target.disturbance import Disturbance

CHANNELS, SIZE = 64, 24
SHAPE = (CHANNELS, SIZE, SIZE)


def conv(source: str, weight: str, sink: str, kernel: int, groups: int = 1) -> NodeProto:
    pads = [kernel // 2] * 4
    return helper.make_node("Conv", [source, weight], [sink], name=f"to_{sink}", pads=pads, group=groups)


def node(operator: str, inputs: Sequence[str], sink: str, **attributes: Any) -> NodeProto:
    return helper.make_node(operator, inputs, [sink], name=f"to_{sink}", **attributes)


def write(path: Path, nodes: Sequence[NodeProto], tensors: Mapping[str, Any]) -> Path:
    """A network from `x` (N, 64, 24, 24) over `last` to its mean over the picture."""
    nodes = [*nodes, node("GlobalAveragePool", ["last"], "pooled"), node("Flatten", ["pooled"], "y")]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *SHAPE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "outputs"])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


def weights(out: int, inside: int, kernel: int) -> np.ndarray:
    values = np.random.default_rng(0).standard_normal((out, inside, kernel, kernel), dtype=np.float32)
    return values / np.float32(kernel * np.sqrt(inside))


def norm(name: str) -> dict[str, np.ndarray]:
    """The four tensors of a batch normalisation."""
    generator = np.random.default_rng(1)
    return {f"{name}{part}": generator.uniform(0.5, 1.5, CHANNELS).astype(np.float32) for part in "sbmv"}


def plain(path: Path) -> Path:
    """A convolution with its normalisation and ReLU, which become one node, and a second convolution."""
    nodes = [
        conv("x", "w1", "c1", 3),
        node("BatchNormalization", ["c1", "ns", "nb", "nm", "nv"], "n1"),
        node("Relu", ["n1"], "r1"),
        conv("r1", "w2", "last", 3),
    ]
    return write(path, nodes, {"w1": weights(64, 64, 3), "w2": weights(64, 64, 3)} | norm("n"))


def normalised_first(path: Path) -> Path:
    """A normalisation of the input, which no convolution precedes."""
    nodes = [
        node("BatchNormalization", ["x", "ns", "nb", "nm", "nv"], "n1"),
        node("Relu", ["n1"], "r1"),
        conv("r1", "w", "last", 1),
    ]
    return write(path, nodes, {"w": weights(16, 64, 1)} | norm("n"))


def normalised_between(path: Path) -> Path:
    """A normalisation after a ReLU between two convolutions, which the blocked layout turns into a convolution."""
    nodes = [
        conv("x", "w1", "c1", 1),
        node("Relu", ["c1"], "r1"),
        node("BatchNormalization", ["r1", "ns", "nb", "nm", "nv"], "n1"),
        node("Relu", ["n1"], "r2"),
        conv("r2", "w2", "last", 1),
    ]
    return write(path, nodes, {"w1": weights(64, 64, 1), "w2": weights(16, 64, 1)} | norm("n"))


def transposed(path: Path) -> Path:
    """An absolute value of transposed pictures, which has no blocked form, between two convolutions of few channels."""
    nodes = [
        conv("x", "w1", "c1", 1),
        node("Transpose", ["c1"], "t1", perm=[0, 1, 3, 2]),
        node("Abs", ["t1"], "a1"),
        conv("a1", "w2", "last", 1),
    ]
    return write(path, nodes, {"w1": weights(16, 64, 1), "w2": weights(16, 16, 1)})


def depthwise(path: Path) -> Path:
    """Three depthwise convolutions, which read as much as the next one and do a part of its work."""
    nodes = [conv(f"d{place}" if place else "x", "w1", f"d{place + 1}", 1, groups=CHANNELS) for place in range(3)]
    nodes.append(conv("d3", "w2", "last", 1))
    return write(path, nodes, {"w1": weights(64, 1, 1), "w2": weights(64, 64, 1)})


def quantised(path: Path) -> Path:
    """A convolution in int8 with Q/DQ nodes."""
    scale, zero = np.float32(0.05), np.uint8(128)
    nodes = [
        node("QuantizeLinear", ["x", "scale", "zero"], "q"),
        node("DequantizeLinear", ["q", "scale", "zero"], "dq"),
        node("DequantizeLinear", ["w", "scale", "weight_zero"], "dw"),
        conv("dq", "dw", "c", 3),
        node("QuantizeLinear", ["c", "scale", "zero"], "qc"),
        node("DequantizeLinear", ["qc", "scale", "zero"], "last"),
    ]
    integers = (weights(64, 64, 3) * 40).astype(np.int8)
    tensors = {"w": integers, "scale": np.array(scale), "zero": np.array(zero), "weight_zero": np.array(np.int8(0))}
    return write(path, nodes, tensors)


def measured(path: Path, target: Target | None = None) -> tuple[Profile, Ledger]:
    """A profile that has the file's layers and their times only, and the ledger of the run."""
    settings = blank_level(layers={"seconds": 0.02}).layers
    assert settings is not None
    ledger = Ledger([], [])
    go_through(measurements(model_on(StubHost(0.001), path, target), settings, ledger), ledger, "layers")
    layers = count_layers(path)
    found = {"layers": tuple(layers), "complexity": sum_layers(layers, 1)}
    return blank_profile().model_copy(update=found).with_points(ledger.points), ledger


def times(profile: Profile) -> LayerTimes:
    (found,) = profile.layer_times
    return found


def test_fused_nodes_have_the_times_of_the_layers_that_they_compute(tmp_path: Path) -> None:
    found = times(measured(plain(tmp_path / "n.onnx"))[0])
    by_layer = {name: one for one in found.layers for name in one.layers}
    assert set(by_layer) == {"to_c1", "to_n1", "to_last"}
    assert by_layer["to_c1"] is by_layer["to_n1"] is not by_layer["to_last"]
    convolutions = by_layer["to_c1"].us + by_layer["to_last"].us
    assert convolutions > 0.5 * 1e3 * found.sum_ms
    assert all(not one.depthwise for one in found.layers)


def test_the_sum_and_the_operators_are_those_of_the_layers(tmp_path: Path) -> None:
    found = times(measured(plain(tmp_path / "n.onnx"))[0])
    assert found.sum_ms == pytest.approx(sum(one.us for one in found.layers) / 1e3)
    assert sum(found.operator_us.values()) == pytest.approx(1e3 * found.sum_ms)
    assert found.sum_share == pytest.approx((found.sum_ms + found.call_ms) / found.latency_ms)
    assert (found.runtime, found.batch, found.instances) == ("onnxruntime", 1, 1)


@pytest.mark.alone
def test_layers_and_call_are_about_the_latency(tmp_path: Path) -> None:
    found = times(measured(plain(tmp_path / "n.onnx"))[0])
    assert 0.3 < found.sum_share < 3
    assert found.clock_us > 0


class KnownRuns:
    """Two kernels of 12 and 30 µs in a run of 40 µs, 60 with the clock."""

    def kernels_us(self, _: Sequence[int]) -> dict[Kernel, float]:
        return {Kernel("a", "Conv"): 12.0, Kernel("b", "Relu"): 30.0, Kernel("inside b", "Add"): 9.0}

    def plain_us(self, _: Sequence[int]) -> float:
        return 40.0

    def clocked_us(self, _: Sequence[int]) -> float:
        return 60.0

    def n(self, counting: Sequence[int]) -> int:
        return 25 * len(counting)


class KnownCost:
    """2 µs a node, 0.5 for each further input, and 4 µs a call."""

    def read(self, _: Sequence[int]) -> Cost:
        return Cost(clock_us=2.0, clock_input_us=0.5, call_us=4.0)


def test_the_clock_is_left_out_by_inputs_and_the_sum_is_compared_with_the_run_without_it() -> None:
    nodes = [
        LayerNode(Kernel("a", "Conv"), 3, ("to_a",), depthwise=False, blocked=True),
        LayerNode(Kernel("b", "Relu"), 1, (), depthwise=False, blocked=False),
    ]
    place = Place("onnxruntime", Resources(1, 1, 1), 1)
    found = point_module.layer_times(
        place, cast("Runs", KnownRuns()), cast("ClockCost", KnownCost()), Disturbance([0, 2], noise(), 0.0), nodes
    )
    assert [one.us for one in found.layers] == [12 - 3, 30 - 2]
    assert (found.sum_ms, found.call_ms, found.n) == (0.037, 0.004, 50)
    assert (found.latency_ms, found.clocked_ms) == (0.04, 0.06)
    assert found.sum_share == pytest.approx(41 / 40)
    assert found.operator_us == {"Conv": 9.0, "Relu": 28.0}


def test_the_middle_half_leaves_out_the_ends() -> None:
    assert middle([1000.0, 3.0, 4.0, 5.0, 6.0, 0.0, 4.5, 4.5]) == pytest.approx(4.5)


@pytest.mark.parametrize("build", [normalised_first, normalised_between])
def test_a_normalisation_that_is_not_folded_is_named(tmp_path: Path, build: Any) -> None:
    profile, _ = measured(build(tmp_path / "n.onnx"))
    (found,) = (one for one in why_not_quicker(profile) if "normalisation" in one)
    assert "1 batch normalisation(s) that cannot be folded" in found


def test_folded_normalisations_are_no_cause(tmp_path: Path) -> None:
    profile, _ = measured(plain(tmp_path / "n.onnx"))
    assert not [one for one in why_not_quicker(profile) if "normalisation" in one]


def test_changes_of_layout_are_named_with_what_leaves_the_blocked_layout(tmp_path: Path) -> None:
    profile, _ = measured(transposed(tmp_path / "n.onnx"))
    (found,) = (one for one in why_not_quicker(profile) if "layout" in one)
    assert "1 Transpose" in found
    if any(one.operator == "ReorderInput" for one in times(profile).layers):
        assert "in between without a blocked form: Abs" in found


def test_depthwise_convolutions_are_named_with_their_shares_of_time_and_of_operations(tmp_path: Path) -> None:
    profile, _ = measured(depthwise(tmp_path / "n.onnx"))
    assert sum(one.depthwise for one in times(profile).layers) == 3
    (found,) = (one for one in why_not_quicker(profile) if "depthwise" in one)
    assert found.startswith("3 depthwise convolution(s) take")
    assert found.endswith("for 4% of the operations.")


@pytest.mark.parametrize(("instructions", "named"), [((), True), (("avx512_vnni",), False), (("asimddp",), False)])
def test_int8_is_a_cause_on_a_processor_without_instructions_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instructions: tuple[str, ...], named: bool
) -> None:
    monkeypatch.setattr(point_module, "int8_instructions", lambda: instructions)
    profile, _ = measured(quantised(tmp_path / "n.onnx"))
    found = [one for one in why_not_quicker(profile) if "no VNNI, AMX or dot-product" in one]
    assert bool(found) is named
    assert all("1 QLinearConv" in one for one in found)


def test_changes_between_fp32_and_int8_are_named(tmp_path: Path) -> None:
    profile, _ = measured(quantised(tmp_path / "n.onnx"))
    (found,) = (one for one in why_not_quicker(profile) if "between fp32 and int8" in one)
    assert "QuantizeLinear" in found


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (Target(runtime="torch"), "torch serves another program"),
        (Target(runtime="v2", endpoint="127.0.0.1:1", model="m"), "a v2 server may be any"),
        (Target(providers=("openvino", "cpu")), "not on openvino, cpu"),
    ],
)
def test_a_runtime_without_such_a_clock_has_the_reason(tmp_path: Path, target: Target, why: str) -> None:
    _, ledger = measured(plain(tmp_path / "n.onnx"), target)
    (missing,) = ledger.missing
    assert (missing.part, missing.point, missing.verdict) == ("layers", "LayerTimes", "unavailable")
    assert why in missing.reason
