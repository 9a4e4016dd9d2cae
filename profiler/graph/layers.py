"""The work and parameters of each node and of the whole graph, in fp32 or quantised (Q/DQ or integer operators).

The multiply-accumulates are those of convolutions, matrix products and attention, as torch's flop counter counts them.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from onnx import ModelProto, NodeProto

from profiler.graph import contrib
from profiler.graph.parameters import parameters_by_node
from profiler.graph.read import inlined, read_onnx
from profiler.graph.shapes import Shapes, UncountedError, infer_shapes
from profiler.records.complexity import Complexity, Layer


def count_layers(path: Path, input_shape: tuple[int, ...] | None = None) -> list[Layer]:
    """The nodes with work or parameters, in the graph's order, for one input of `input_shape` (C, H, W).

    `input_shape` is needed where axes besides the batch are symbolic. Raises `BadInputError` where it does not fit.
    """
    return layers_of(read_onnx(path), input_shape)


def layers_of(model: ModelProto, input_shape: tuple[int, ...] | None = None) -> list[Layer]:
    """The nodes with work or parameters of a graph that has been read."""
    model = inlined(model)
    shapes = infer_shapes(model, input_shape)
    nodes = zip(model.graph.node, parameters_by_node(model.graph), strict=True)
    layers = [layer(node, parameters, shapes) for node, parameters in nodes]
    return [one for one in layers if one.macs != 0 or one.parameters]


def layer(node: NodeProto, parameters: int, shapes: Shapes) -> Layer:
    """The record of one node."""
    reasons = {}
    macs, output_shape = None, None
    try:
        macs = count_macs(node, shapes)
    except UncountedError as error:
        reasons = {"macs": str(error), "flops": str(error)}
    try:
        output_shape = without_batch(shapes.of(node.output[0]))
    except UncountedError as error:
        reasons["output_shape"] = str(error)
    return Layer(
        name=node.name or node.output[0],
        operator=node.op_type,
        parameters=parameters,
        macs=macs,
        flops=None if macs is None else 2 * macs,
        output_shape=output_shape,
        reasons=reasons,
    )


def without_batch(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape at batch 1 without its first axis of extent 1, as exporters may put the batch after the sequence."""
    if 1 not in shape:
        return shape
    batch = shape.index(1)
    return shape[:batch] + shape[batch + 1 :]


def sum_layers(layers: Sequence[Layer], file_bytes: int) -> Complexity:
    """The sums over the layers; the work is unknown where that of a layer is."""
    known = [layer.macs for layer in layers if layer.macs is not None]
    macs = sum(known) if len(known) == len(layers) else None
    reasons = next((layer.reasons for layer in layers if layer.macs is None), {})
    return Complexity(
        parameters=sum(layer.parameters for layer in layers),
        macs=macs,
        flops=None if macs is None else 2 * macs,
        file_bytes=file_bytes,
        reasons={name: reason for name, reason in reasons.items() if name in ("macs", "flops")},
    )


# The position of an operator's weight among its inputs.
CONVOLUTIONS = {"Conv": 1, "ConvTranspose": 1, "ConvInteger": 1, "QLinearConv": 3, "FusedConv": 1}
PRODUCTS = {"MatMul", "MatMulInteger", "QLinearMatMul"}
PRODUCTS_WITH_BIAS = {"Gemm", "QGemm"}
UNCOUNTED = {"DeformConv", "Einsum", "GRU", "If", "LSTM", "Loop", "RNN", "Scan"}


def count_macs(node: NodeProto, shapes: Shapes) -> int:
    """The node's multiply-accumulates; raises `UncountedError` for unknown shapes and other operators with weights."""
    kind = node.op_type
    if kind in CONVOLUTIONS:
        weight = shapes.of(node.input[CONVOLUTIONS[kind]])
        positions = shapes.of(node.input[0] if kind == "ConvTranspose" else node.output[0])
        return math.prod(positions) * math.prod(weight[1:])
    if kind in PRODUCTS:
        return math.prod(shapes.of(node.output[0])) * shapes.of(node.input[0])[-1]
    if kind in PRODUCTS_WITH_BIAS:
        inner = shapes.of(node.input[0])[0 if attribute(node, "transA") else 1]
        return math.prod(shapes.of(node.output[0])) * inner
    if kind == "Attention" and is_standard(node):
        return attention(node, shapes)
    if kind in UNCOUNTED or not (is_standard(node) or contrib.is_known(node)):
        raise UncountedError(f"operator {kind} is not counted")
    return 0


def is_standard(node: NodeProto) -> bool:
    """Whether the node is an operator of ONNX's own domain."""
    return node.domain in ("", "ai.onnx")


def attribute(node: NodeProto, name: str) -> int:
    """The value of an integer attribute, 0 where it is absent."""
    return next((one.i for one in node.attribute if one.name == name), 0)


def attention(node: NodeProto, shapes: Shapes) -> int:
    """The work of Q·Kᵀ and of its product with V over the whole sequence, masked or not.

    Q, K and V are (N, heads, sequence, depth), or (N, sequence, heads × depth).
    """
    if any(node.input[4:]):
        raise UncountedError("operator Attention is not counted with the keys of earlier calls")
    query, key, value = (shapes.of(name) for name in node.input[:3])
    if len(query) == 4:
        batch, heads, length, depth = query
        value_depth = value[3]
    else:
        batch, length, width = query
        heads = attribute(node, "q_num_heads")
        depth, value_depth = width // heads, value[2] // attribute(node, "kv_num_heads")
    return batch * heads * length * key[-2] * (depth + value_depth)
