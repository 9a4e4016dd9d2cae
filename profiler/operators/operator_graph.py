"""The ONNX graph of a single operator as in an exported network: with a bias, and a ReLU after it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from profiler.operators.operator import Operator, Place, Precision

SEED, OPSET, IR_VERSION = 0, 20, 10
# The scale is arbitrary, as the time does not depend on the values.
SCALE = np.asarray(0.05, np.float32)
INPUT, RESULT, OUTPUT = "input", "result", "output"

Parts = tuple[list[NodeProto], dict[str, NDArray[Any]]]


def operator_model(place: Place, precision: Precision) -> bytes:
    """The ONNX file of this operator, for a batch of `input_shape`."""
    operator, in_channels, _ = place
    parts = norm if operator.kind == "norm" else quantised if precision == "int8" else plain
    nodes, tensors = parts(place)
    graph = helper.make_graph(
        nodes,
        "operator",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", *input_shape(operator, in_channels)])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", *(None for _ in input_shape(*place[:2]))])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


def plain(place: Place) -> Parts:
    """The nodes and tensors of an operator in fp32."""
    nodes = [compute(place, [INPUT, "weight", "bias"]), helper.make_node("Relu", [RESULT], [OUTPUT])]
    return nodes, {"weight": weights(place), "bias": np.zeros(place[2], np.float32)}


def norm(place: Place) -> Parts:
    """The nodes and tensors of a batch normalisation alone, which stays in fp32."""
    names = ["scale", "shift", "mean", "variance"]
    nodes = [
        helper.make_node("BatchNormalization", [INPUT, *names], [RESULT]),
        helper.make_node("Relu", [RESULT], [OUTPUT]),
    ]
    return nodes, {name: np.ones(place[2], np.float32) for name in names}


def quantised(place: Place) -> Parts:
    """The nodes and tensors in int8 with Q/DQ nodes: activations QUInt8, weights QInt8 per channel."""
    nodes = [
        helper.make_node("QuantizeLinear", [INPUT, "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["x"]),
        helper.make_node("DequantizeLinear", ["weight", "scales", "zeros"], ["w"], axis=0),
        helper.make_node("DequantizeLinear", ["bias", "bias_scales"], ["b"], axis=0),
        compute(place, ["x", "w", "b"]),
        helper.make_node("Relu", [RESULT], ["relu"]),
        helper.make_node("QuantizeLinear", ["relu", "scale", "zero"], ["p"]),
        helper.make_node("DequantizeLinear", ["p", "scale", "zero"], [OUTPUT]),
    ]
    scales = np.full(place[2], SCALE)
    return nodes, {
        "weight": np.clip(np.round(weights(place) / SCALE), -127, 127).astype(np.int8),
        "bias": np.zeros(place[2], np.int32),
        "scale": SCALE,
        "zero": np.asarray(0, np.uint8),
        "scales": scales,
        "zeros": np.zeros(place[2], np.int8),
        "bias_scales": scales * SCALE,
    }


def compute(place: Place, inputs: list[str]) -> NodeProto:
    """The node of the operator itself."""
    operator, in_channels, _ = place
    if operator.kind == "linear":
        return helper.make_node("Gemm", inputs, [RESULT], transB=1)
    return helper.make_node(
        "Conv",
        inputs,
        [RESULT],
        kernel_shape=operator.kernel,
        strides=operator.stride,
        pads=operator.pads,
        dilations=operator.dilation,
        group=operator.groups_of(in_channels),
    )


def weights(place: Place) -> NDArray[np.float32]:
    """The seeded weights: (out, in of a group, *kernel), or (out, in) of a matrix product."""
    operator, in_channels, out_channels = place
    kernel = () if operator.kind == "linear" else operator.kernel
    before = in_channels // operator.groups_of(in_channels)
    return np.random.default_rng(SEED).standard_normal((out_channels, before, *kernel), dtype=np.float32)


def input_shape(operator: Operator, in_channels: int) -> tuple[int, ...]:
    """The shape of one input, without the batch axis."""
    return (in_channels,) if operator.kind == "linear" else (in_channels, operator.height, operator.width)
