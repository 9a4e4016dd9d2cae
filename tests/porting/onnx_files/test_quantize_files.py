"""int8 and fp16 files: which types they hold, what their ranges cover, and what stays fp32."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, numpy_helper
from support import write_network
from torch import nn

from backbones.densenet import densenet_bc
from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet8
from porting.configuration.settings import ExportSettings
from porting.onnx_files.onnx_export import export_network
from porting.onnx_files.quantization.int8_candidate import Int8Candidate, answers
from porting.onnx_files.quantization.int8_format import Calibration, Int8Format
from porting.onnx_files.quantization.qdq import prepare, quantised_nodes, weighted_nodes, write_qdq
from porting.onnx_files.quantization.ranges import activation_ranges
from porting.stages.quantize_work import write_fp16
from profiler.common.files import sha256
from profiler.runtimes.session import open_session

EXPORT = ExportSettings(opset=20, tolerance=1e-4, open_axes=[])
SHAPE = (1, 16, 16)
IMAGES = [np.random.default_rng(seed).standard_normal((8, *SHAPE), dtype=np.float32) for seed in range(2)]
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet8": lambda: resnet8(1, 10, width=0.25),
    "mobilenet_v2": lambda: mobilenet_v2(1, 10, width=0.25, stem="cifar"),
    "densenet_bc": lambda: densenet_bc(1, 10, depth=22),
}
FORMATS = [Int8Format(scheme, reduce_range) for scheme in ("u8s8", "s8s8") for reduce_range in (False, True)]


class Twice(nn.Module):
    """A transposed convolution, and one that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again = nn.Conv2d(1, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1)
        self.wider = nn.ConvTranspose2d(32, 32, 2, stride=2)
        self.fc = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.wider(self.first(x).relu()).relu()
        x = self.again(self.again(x).relu()).relu()
        answer: torch.Tensor = self.fc(x.mean((2, 3)))
        return answer


NETWORKS["twice"] = Twice


@pytest.fixture(scope="module", params=NETWORKS)
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp(request.param)
    export_network(NETWORKS[request.param]().eval(), folder / "model.onnx", SHAPE, EXPORT)
    prepare(folder / "model.onnx", folder / "prepared.onnx")
    return folder / "prepared.onnx"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A prepared network of one convolution and one matrix product, whose nodes have no names."""
    write_network(tmp_path / "model.onnx")
    prepare(tmp_path / "model.onnx", tmp_path / "prepared.onnx")
    return tmp_path / "prepared.onnx"


def pictures() -> list[np.ndarray]:
    return [np.random.default_rng(0).standard_normal((256, 1, 8, 8), dtype=np.float32)]


@pytest.mark.parametrize("int8", FORMATS, ids=str)
def test_activations_and_weights_have_the_scheme_s_types_and_weights_a_scale_per_channel(
    prepared: Path, tmp_path: Path, int8: Int8Format
) -> None:
    write_qdq(prepared, tmp_path / "int8.onnx", activation_ranges(prepared, IMAGES, "minmax"), int8)
    graph = onnx.load(tmp_path / "int8.onnx").graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    activations = {tensors[node.input[2]].data_type for node in graph.node if node.op_type == "QuantizeLinear"}
    assert activations == {TensorProto.UINT8 if int8.scheme == "u8s8" else TensorProto.INT8}
    made_by = {node.output[0]: node for node in graph.node}
    weighted = [node for node in graph.node if node.op_type in ("Conv", "ConvTranspose", "Gemm")]
    assert len(weighted) == len(weighted_nodes(prepared))
    for node in weighted:
        weights, scales = (tensors[name] for name in made_by[node.input[1]].input[:2])
        values = numpy_helper.to_array(weights)
        assert weights.data_type == TensorProto.INT8
        assert list(scales.dims) == [values.shape[1 if node.op_type == "ConvTranspose" else 0]]
        assert np.abs(values).max() <= (64 if int8.reduce_range else 127)


def test_a_file_of_open_size_stays_open_in_int8_and_answers_another_size_as_in_fp32(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = NETWORKS["twice"]().eval()
    export_network(model, tmp_path / "m.onnx", SHAPE, EXPORT.model_copy(update={"open_axes": ["height", "width"]}))
    prepare(tmp_path / "m.onnx", tmp_path / "prepared.onnx")
    ranges = activation_ranges(tmp_path / "prepared.onnx", IMAGES, "minmax")
    write_qdq(tmp_path / "prepared.onnx", tmp_path / "int8.onnx", ranges, FORMATS[0])
    session = open_session(tmp_path / "int8.onnx", 1)
    images = np.random.default_rng(1).standard_normal((2, SHAPE[0], SHAPE[1] + 8, SHAPE[2]), dtype=np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(images)).numpy()
    (found,) = session.run(None, {session.get_inputs()[0].name: images})
    assert session.get_inputs()[0].shape == ["batch", SHAPE[0], "height", "width"]
    assert np.abs(found - expected).max() < 0.1 * np.ptp(expected)


def test_quantising_twice_gives_the_same_bytes(prepared: Path, tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        write_qdq(prepared, tmp_path / name, activation_ranges(prepared, IMAGES, "percentile"), FORMATS[0])
    assert sha256(tmp_path / "a.onnx") == sha256(tmp_path / "b.onnx")


def test_ranges_serve_a_second_scheme_as_if_the_first_had_never_been(prepared: Path, tmp_path: Path) -> None:
    ranges = activation_ranges(prepared, IMAGES, "minmax")
    write_qdq(prepared, tmp_path / "alone.onnx", activation_ranges(prepared, IMAGES, "minmax"), FORMATS[2])
    for int8 in (FORMATS[0], FORMATS[2]):
        write_qdq(prepared, tmp_path / f"{int8.scheme}.onnx", ranges, int8)
    assert sha256(tmp_path / "s8s8.onnx") == sha256(tmp_path / "alone.onnx")


def test_a_node_left_in_fp32_keeps_its_weights_and_the_others_are_quantised(small: Path, tmp_path: Path) -> None:
    convolution, product = weighted_nodes(small)
    ranges = activation_ranges(small, pictures(), "minmax")
    write_qdq(small, tmp_path / "int8.onnx", ranges, FORMATS[0], fp32_nodes=[convolution])
    graph = onnx.load(tmp_path / "int8.onnx").graph
    tensors = {tensor.name for tensor in graph.initializer}
    inputs = {node.name: list(node.input) for node in graph.node}
    assert inputs[convolution][1] in tensors
    assert inputs[product][1] not in tensors


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    export_network(Twice().eval(), tmp_path / "model.onnx", SHAPE, EXPORT)
    prepare(tmp_path / "model.onnx", tmp_path / "prepared.onnx")
    return tmp_path / "prepared.onnx"


def test_a_node_that_shares_its_weights_stays_fp32_alone(twice: Path, tmp_path: Path) -> None:
    once, again = weighted_nodes(twice)[2:4]
    write_qdq(twice, tmp_path / "int8.onnx", activation_ranges(twice, IMAGES, "minmax"), FORMATS[0], fp32_nodes=[once])
    graph = onnx.load(tmp_path / "int8.onnx").graph
    tensors = {tensor.name for tensor in graph.initializer}
    inputs = {node.name: list(node.input) for node in graph.node}
    assert set(inputs[once][1:]) <= tensors
    assert not set(inputs[again][1:]) & tensors
    expected = answers(twice, IMAGES)
    assert np.abs(answers(tmp_path / "int8.onnx", IMAGES) - expected).max() < 0.05 * np.ptp(expected)


def test_the_runtime_does_not_quantise_a_transposed_convolution_that_stays_fp32(twice: Path, tmp_path: Path) -> None:
    ranges, transposed = activation_ranges(twice, IMAGES, "minmax"), weighted_nodes(twice)[1]
    write_qdq(twice, tmp_path / "int8.onnx", ranges, FORMATS[0], fp32_nodes=[transposed])
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "as_it_runs.onnx")
    options.log_severity_level = 3
    ort.InferenceSession(tmp_path / "int8.onnx", options, providers=["CPUExecutionProvider"])
    graph = onnx.load(tmp_path / "as_it_runs.onnx").graph
    (node,) = [node for node in graph.node if node.op_type == "ConvTranspose"]
    assert set(node.input[1:]) <= {tensor.name for tensor in graph.initializer}


def test_every_node_between_quantised_tensors_counts_as_quantised(small: Path, tmp_path: Path) -> None:
    ranges = activation_ranges(small, pictures(), "minmax")
    write_qdq(small, tmp_path / "int8.onnx", ranges, FORMATS[0])
    kinds = {node.name: node.op_type for node in onnx.load(tmp_path / "int8.onnx").graph.node}
    found = [kinds[name] for name in quantised_nodes(tmp_path / "int8.onnx")]
    assert found == ["Conv", "GlobalAveragePool", "Flatten", "Gemm"]


def test_the_runtime_does_not_quantise_again_what_stays_fp32(prepared: Path, tmp_path: Path) -> None:
    nodes, ranges = weighted_nodes(prepared), activation_ranges(prepared, IMAGES, "minmax")
    write_qdq(prepared, tmp_path / "fp32_weights.onnx", ranges, FORMATS[0], fp32_nodes=nodes)
    onnx.checker.check_model(tmp_path / "fp32_weights.onnx", full_check=True)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    literal = ort.InferenceSession(tmp_path / "fp32_weights.onnx", options, providers=["CPUExecutionProvider"])
    expected = np.concatenate([literal.run(None, {"input": batch})[0] for batch in IMAGES])
    np.testing.assert_allclose(answers(tmp_path / "fp32_weights.onnx", IMAGES), expected, atol=1e-6)


def test_minmax_covers_an_outlier_and_percentile_and_entropy_do_not(small: Path) -> None:
    images = [*pictures(), *pictures()]
    images[1][0, 0, 0, 0] = 100
    widths = {method: highest(small, images, method) for method in ("minmax", "percentile", "entropy")}
    assert widths["minmax"] == 100
    assert np.quantile(np.abs(images), 0.999) <= widths["percentile"] < 10
    assert widths["entropy"] < 50


def highest(path: Path, images: list[np.ndarray], calibration: Calibration) -> float:
    return float(np.squeeze(activation_ranges(path, images, calibration)["input"].range_value[1]))


def test_calibration_says_nothing(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    activation_ranges(small, pictures(), "percentile")
    assert capsys.readouterr().out == ""


def test_batches_of_different_sizes_calibrate(small: Path) -> None:
    (batch,) = pictures()
    assert highest(small, [batch[:40], batch[40:]], "percentile") > 1


def test_the_file_says_what_was_chosen(small: Path, tmp_path: Path) -> None:
    chosen = Int8Candidate(small, Int8Format("u8s8", True), "percentile", ("Conv_0",), loss=0.025, useless=False)
    chosen.save(tmp_path / "int8.onnx")
    found = open_session(tmp_path / "int8.onnx", 1).get_modelmeta().custom_metadata_map["quantization"]
    assert json.loads(found) == {
        "scheme": "u8s8",
        "reduce_range": True,
        "calibration": "percentile",
        "fp32_nodes": ["Conv_0"],
        "loss": 0.025,
    }


def test_fp16_has_half_the_bytes_and_the_same_tensors_and_answers(prepared: Path, tmp_path: Path) -> None:
    source = prepared.parent / "model.onnx"
    write_fp16(source, tmp_path / "fp16.onnx")
    assert (tmp_path / "fp16.onnx").stat().st_size < 0.7 * source.stat().st_size
    onnx.checker.check_model(tmp_path / "fp16.onnx", full_check=True)
    graph = onnx.load(tmp_path / "fp16.onnx").graph
    assert {TensorProto.FLOAT16} == {tensor.data_type for tensor in graph.initializer if tensor.data_type != 7}
    before, after = open_session(source, 1), open_session(tmp_path / "fp16.onnx", 1)
    assert describe(before) == describe(after)
    expected = answers(source, IMAGES)
    assert np.abs(answers(tmp_path / "fp16.onnx", IMAGES) - expected).max() < 1e-2 * np.ptp(expected)


def describe(session: ort.InferenceSession) -> list[tuple[str, str, list[object]]]:
    tensors = [*session.get_inputs(), *session.get_outputs()]
    return [(tensor.name, tensor.type, tensor.shape) for tensor in tensors]
