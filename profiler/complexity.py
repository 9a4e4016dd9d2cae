"""Parameters and multiply-accumulates, counted on the ONNX graph, fp32 or quantised with Q/DQ nodes."""

import math
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, NodeProto, TensorProto

from profiler.errors import ModelError
from profiler.records import Complexity

Shapes = dict[str, list[int]]
QUANTISERS = {"QuantizeLinear", "DequantizeLinear"}
WEIGHT_TYPES = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}
INTEGER_WEIGHT_TYPES = {TensorProto.INT8, TensorProto.UINT8, TensorProto.INT32}


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
    macs = sum(count_macs(node, shapes) for node in model.graph.node)
    return Complexity(
        parameters=count_parameters(model),
        macs=macs,
        flops=2 * macs,
        file_bytes=path.stat().st_size,
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
    total = 0
    for tensor in model.graph.initializer:
        floating = tensor.data_type in WEIGHT_TYPES
        integer = tensor.data_type in INTEGER_WEIGHT_TYPES and tensor.name in quantised
        if tensor.dims and tensor.name not in scales and (floating or integer):
            total += math.prod(tensor.dims)
    return total


def count_macs(node: NodeProto, shapes: Shapes) -> int:
    """Multiply-accumulates of one node: convolutions and matrix products, as torch's flop counter counts."""
    if node.op_type in {"Conv", "ConvTranspose"}:
        weight = shapes[node.input[1]]
        positions = shapes[node.output[0]] if node.op_type == "Conv" else shapes[node.input[0]]
        return math.prod(positions) * math.prod(weight[1:])
    if node.op_type == "Gemm":
        rows_first = not any(a.name == "transA" and a.i for a in node.attribute)
        inner = shapes[node.input[0]][1 if rows_first else 0]
        return math.prod(shapes[node.output[0]]) * inner
    if node.op_type == "MatMul":
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    return 0
