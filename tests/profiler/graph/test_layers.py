"""Work and parameters node by node, on graphs written by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import FunctionProto, NodeProto, TensorProto, helper, numpy_helper
from whole_graph import count_complexity

from profiler.common.errors import BadInputError
from profiler.graph.layers import count_layers
from profiler.records.complexity import Layer

OPSETS = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1), helper.make_opsetid("own", 1)]


def write(
    path: Path,
    nodes: Sequence[NodeProto],
    shape: Sequence[int | str],
    weights: Mapping[str, Sequence[int]],
    functions: Sequence[FunctionProto] = (),
) -> Path:
    """A graph from `x` to `y`, which has as many axes, with float weights of these shapes."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [f"axis {axis}" for axis in range(len(shape))])],
        [numpy_helper.from_array(np.ones(size, np.float32), name) for name, size in weights.items()],
    )
    onnx.save(helper.make_model(graph, functions=functions, opset_imports=OPSETS, ir_version=10), path)
    return path


def convolution(source: str, weight: str, sink: str) -> NodeProto:
    return helper.make_node("Conv", [source, weight, "bias"], [sink], pads=[1, 1, 1, 1], name=f"to {sink}")


def test_a_layer_says_what_it_is_and_does(tmp_path: Path) -> None:
    nodes = [
        convolution("x", "filter", "features"),
        helper.make_node("Relu", ["features"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["y"]),
    ]
    path = write(tmp_path / "m.onnx", nodes, ["n", 3, 5, 6], {"filter": [4, 3, 3, 3], "bias": [4]})
    macs = 4 * 5 * 6 * 3 * 3 * 3
    assert count_layers(path) == [
        Layer(name="to features", operator="Conv", parameters=112, macs=macs, flops=2 * macs, output_shape=(4, 5, 6))
    ]


def test_a_tensor_that_two_layers_share_counts_at_the_first(tmp_path: Path) -> None:
    nodes = [convolution("x", "filter", "middle"), convolution("middle", "filter", "y")]
    path = write(tmp_path / "m.onnx", nodes, ["n", 3, 5, 5], {"filter": [3, 3, 3, 3], "bias": [3]})
    assert [layer.parameters for layer in count_layers(path)] == [84, 0]
    assert count_complexity(path).parameters == 84


def test_a_weight_that_is_turned_round_first_counts_where_it_is_multiplied(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Transpose", ["weight"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "turned"], ["y"]),
    ]
    path = write(tmp_path / "m.onnx", nodes, ["n", 4], {"weight": [7, 4]})
    assert [(layer.operator, layer.parameters, layer.macs) for layer in count_layers(path)] == [("MatMul", 28, 28)]


def test_a_weight_that_is_a_constant_node_counts_too(tmp_path: Path) -> None:
    value = numpy_helper.from_array(np.ones((4, 7), np.float32))
    nodes = [
        helper.make_node("Constant", [], ["weight"], value=value),
        helper.make_node("MatMul", ["x", "weight"], ["y"]),
    ]
    path = write(tmp_path / "m.onnx", nodes, ["n", 4], {})
    assert [(layer.operator, layer.parameters) for layer in count_layers(path)] == [("MatMul", 28)]


def test_the_batch_axis_is_left_out_wherever_it_stands(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["sequence first"], perm=[1, 0, 2]),
        helper.make_node("MatMul", ["sequence first", "weight"], ["y"]),
    ]
    path = write(tmp_path / "m.onnx", nodes, ["n", 5, 4], {"weight": [4, 7]})
    assert [layer.output_shape for layer in count_layers(path)] == [(5, 7)]


def test_a_branch_has_unknown_work_and_the_parameters_in_it(tmp_path: Path) -> None:
    branches = {}
    for name in ("then", "else"):
        sink = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 7])
        inner = [helper.make_node("MatMul", ["x", f"{name} weight"], [name])]
        weight = numpy_helper.from_array(np.ones((4, 7), np.float32), "else weight")
        branches[f"{name}_branch"] = helper.make_graph(inner, name, [], [sink], [weight] if name == "else" else [])
    nodes = [
        helper.make_node("Constant", [], ["always"], value=numpy_helper.from_array(np.array(True))),
        helper.make_node("If", ["always"], ["y"], **branches),
    ]
    path = write(tmp_path / "m.onnx", nodes, ["n", 4], {"then weight": [4, 7]})
    assert [(layer.operator, layer.macs, layer.parameters) for layer in count_layers(path)] == [("If", None, 56)]


def test_running_statistics_and_sizes_are_no_parameters(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("BatchNormalization", ["x", "scale", "shift", "mean", "variance"], ["normal"]),
        helper.make_node("Resize", ["normal", "", "sizes"], ["y"]),
    ]
    weights = {"scale": [3], "shift": [3], "mean": [3], "variance": [3], "sizes": [4]}
    path = write(tmp_path / "m.onnx", nodes, ["n", 3, 5, 5], weights)
    assert [(layer.operator, layer.parameters) for layer in count_layers(path)] == [("BatchNormalization", 6)]


def test_a_function_of_the_file_counts_as_what_is_in_it(tmp_path: Path) -> None:
    inner = [helper.make_node("MatMul", ["a", "b"], ["c"])]
    function = helper.make_function("own", "Dense", ["a", "b"], ["c"], inner, OPSETS[:1])
    nodes = [helper.make_node("Dense", ["x", "weight"], ["y"], domain="own")]
    path = write(tmp_path / "m.onnx", nodes, ["n", 4], {"weight": [4, 7]}, [function])
    assert [(layer.operator, layer.parameters, layer.macs) for layer in count_layers(path)] == [("MatMul", 28, 28)]


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Einsum", ["x", "weight"], ["y"], equation="nk,kc->nc"),
        helper.make_node("FusedMatMul", ["x", "weight"], ["y"], domain="com.microsoft"),
    ],
    ids=lambda node: node.op_type,
)
def test_work_that_cannot_be_counted_is_unknown_and_not_0(tmp_path: Path, node: NodeProto) -> None:
    path = write(tmp_path / "m.onnx", [node], ["n", 4], {"weight": [4, 7]})
    (layer,), whole = count_layers(path), count_complexity(path)
    assert (layer.macs, layer.parameters) == (None, 28)
    assert (whole.macs, whole.flops, whole.parameters) == (None, None, 28)
    assert whole.reasons["macs"] == layer.reasons["macs"] == f"operator {node.op_type} is not counted"


@pytest.fixture
def any_size(tmp_path: Path) -> Path:
    """A convolution for images of any size."""
    shapes = {"filter": [4, 3, 3, 3], "bias": [4]}
    return write(tmp_path / "m.onnx", [convolution("x", "filter", "y")], ["n", 3, "height", "width"], shapes)


def test_without_a_size_the_work_is_unknown_with_the_axes_that_are_open(any_size: Path) -> None:
    whole = count_complexity(any_size)
    assert (whole.macs, whole.parameters) == (None, 112)
    assert "input 'x' leaves height, width open, give input_shape" in whole.reasons["macs"]


def test_with_a_size_the_work_is_known(any_size: Path) -> None:
    (layer,) = count_layers(any_size, input_shape=(3, 8, 6))
    assert (layer.macs, layer.output_shape) == (4 * 8 * 6 * 27, (4, 8, 6))
    assert count_complexity(any_size, (3, 16, 12)).macs == 4 * (layer.macs or 0)


@pytest.mark.parametrize("shape", [(1, 8, 6), (3, 8), (3, 8, 0), (3, 8, 6, 1)])
def test_a_size_that_the_graph_cannot_take_is_refused(any_size: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInputError, match=r"give \[3, 'height', 'width'\]"):
        count_complexity(any_size, shape)


def test_notes_in_the_file_serve_where_nothing_can_be_inferred(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["places"]),
        helper.make_node("Cast", ["places"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["wide", "weight"], ["y"]),
    ]
    path = write(tmp_path / "m.onnx", nodes, ["n", 5], {"weight": [5, 3]})
    assert count_complexity(path).macs is None
    note(path, helper.make_tensor_value_info("places", TensorProto.INT64, [2, 5]))
    assert count_complexity(path).macs == 2 * 5 * 3


def test_stale_notes_in_the_file_are_not_believed(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["same"]), helper.make_node("MatMul", ["same", "weight"], ["y"])]
    path = write(tmp_path / "m.onnx", nodes, ["n", 4], {"weight": [4, 7]})
    note(path, helper.make_tensor_value_info("same", TensorProto.FLOAT, [9, 4]))
    assert count_complexity(path).macs == 28


def note(path: Path, value: onnx.ValueInfoProto) -> None:
    """Declares the shape of an inner tensor in the file, as a tool may do."""
    model = onnx.load(path)
    model.graph.value_info.append(value)
    onnx.save(model, path)
