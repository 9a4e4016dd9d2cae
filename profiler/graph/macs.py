"""The multiply-accumulates of a node: convolutions, matrix products and attention, as torch's flop counter counts."""

import math

from onnx import NodeProto

from profiler.graph import contrib
from profiler.graph.shapes import Shapes, UncountedError

# The position of an operator's weight among its inputs.
CONVOLUTIONS = {"Conv": 1, "ConvTranspose": 1, "ConvInteger": 1, "QLinearConv": 3, "FusedConv": 1}
PRODUCTS = {"MatMul", "MatMulInteger", "QLinearMatMul"}
PRODUCTS_WITH_BIAS = {"Gemm", "QGemm"}
UNCOUNTED = {"DeformConv", "Einsum", "GRU", "If", "LSTM", "Loop", "RNN", "Scan"}


def count_macs(node: NodeProto, shapes: Shapes) -> int:
    """The node's multiply-accumulates at the batch of the shapes.

    Raises `UncountedError` for other operators that multiply weights, and where a shape is unknown.
    """
    kind = node.op_type
    if kind in CONVOLUTIONS:
        return convolution(node, shapes)
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


def convolution(node: NodeProto, shapes: Shapes) -> int:
    """The positions of the output (of the input where it is transposed) times the size of the filter."""
    weight = shapes.of(node.input[CONVOLUTIONS[node.op_type]])
    positions = shapes.of(node.input[0] if node.op_type == "ConvTranspose" else node.output[0])
    return math.prod(positions) * math.prod(weight[1:])


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
