"""Parameters and multiply-accumulates, counted on the ONNX graph, fp32 or quantised with Q/DQ nodes."""

import math
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, NodeProto, TensorProto

from profiler.errors import ModelError
from profiler.records.complexity import Complexity

Shapes = dict[str, list[int]]
QUANTISERS = {"QuantizeLinear", "DequantizeLinear"}
WEIGHT_TYPES = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}
INTEGER_WEIGHT_TYPES = {TensorProto.INT8, TensorProto.UINT8, TensorProto.INT32}


# Where an operator's weight stands among its inputs.
CONVOLUTIONS = {"Conv": 1, "ConvTranspose": 1, "ConvInteger": 1, "QLinearConv": 3}
PRODUCTS = {"MatMul", "MatMulInteger", "QLinearMatMul"}
UNCOUNTED = {"Attention", "DeformConv", "Einsum", "GRU", "If", "LSTM", "Loop", "QGemm", "RNN", "Scan"}


class UncountedError(Exception):
    """The work of a graph cannot be told."""


def read_onnx(path: Path) -> ModelProto:
    """The checked model; raises `ModelError` for a file that is missing, truncated or not ONNX."""
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except FileNotFoundError as error:
        raise ModelError(f"{path} does not exist: give the path of an ONNX file") from error
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{path} is truncated or not an ONNX file ({reason}): export it again") from error
    return model


def count_complexity(path: Path) -> Complexity:
    """Parameters, MACs of one input (batch 1, C, H, W) and bytes of the file."""
    model = read_onnx(path)
    shapes = batch_one_shapes(model)
    try:
        macs = sum(count_macs(node, shapes) for node in model.graph.node)
        flops, unknown = 2 * macs, ""
    except UncountedError as error:
        macs, flops, unknown = None, None, str(error)
    return Complexity(
        parameters=count_parameters(model),
        macs=macs,
        flops=flops,
        file_bytes=path.stat().st_size,
        reasons={"macs": unknown, "flops": unknown} if unknown else {},
    )


def batch_one_shapes(model: ModelProto) -> Shapes:
    """The shape of every tensor with symbolic axes set to 1."""
    fixed = ModelProto()
    fixed.CopyFrom(model)
    for tensor in (*fixed.graph.input, *fixed.graph.output):
        for axis in tensor.type.tensor_type.shape.dim:
            if not axis.HasField("dim_value"):
                axis.dim_value = 1
    del fixed.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(fixed, data_prop=True).graph
    shapes = {tensor.name: list(tensor.dims) for tensor in inferred.initializer}
    for value in (*inferred.input, *inferred.output, *inferred.value_info):
        shapes[value.name] = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
    return shapes


def count_parameters(model: ModelProto) -> int:
    """Elements of the weights and biases; scales, zero points, scalars and shape constants are not parameters."""
    nodes = model.graph.node
    scales = {name for node in nodes if node.op_type in QUANTISERS for name in node.input[1:]}
    quantised = {node.input[0] for node in nodes if node.op_type == "DequantizeLinear"}
    for node in nodes:
        weight = CONVOLUTIONS.get(node.op_type, 1)
        if node.op_type in ("QLinearConv", "ConvInteger", "MatMulInteger", "QLinearMatMul"):
            quantised |= {node.input[3 if node.op_type == "QLinearMatMul" else weight], *node.input[8:]}
    total = 0
    for tensor in model.graph.initializer:
        floating = tensor.data_type in WEIGHT_TYPES
        integer = tensor.data_type in INTEGER_WEIGHT_TYPES and tensor.name in quantised
        if tensor.dims and tensor.name not in scales and (floating or integer):
            total += math.prod(tensor.dims)
    return total


def count_macs(node: NodeProto, shapes: Shapes) -> int:
    """Multiply-accumulates of one node: convolutions and matrix products, as torch's flop counter counts.

    Raises `UncountedError` for other nodes that multiply weights, and where a shape is not known.
    """
    kind = node.op_type
    if kind in CONVOLUTIONS:
        weight = known(shapes, node.input[CONVOLUTIONS[kind]])
        positions = known(shapes, node.input[0] if kind == "ConvTranspose" else node.output[0])
        return math.prod(positions) * math.prod(weight[1:])
    if kind == "Gemm":
        transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        inner = known(shapes, node.input[0])[0 if transposed else 1]
        return math.prod(known(shapes, node.output[0])) * inner
    if kind in PRODUCTS:
        return math.prod(known(shapes, node.output[0])) * known(shapes, node.input[0])[-1]
    if kind in UNCOUNTED:
        raise UncountedError(f"operator {kind} is not counted")
    return 0


def known(shapes: Shapes, name: str) -> list[int]:
    """A tensor's shape, all of whose axes must be known."""
    shape = shapes.get(name)
    if shape is None or 0 in shape:
        raise UncountedError(f"the shape of tensor {name} cannot be inferred")
    return shape
