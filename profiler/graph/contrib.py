"""Operators of ONNX Runtime's quantiser and optimiser, whose shapes ONNX itself cannot infer."""

from onnx import GraphProto, NodeProto

DOMAIN = "com.microsoft"

ELEMENTWISE = (
    "BiasGelu", "DequantizeLinear", "FastGelu", "Gelu", "QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax",
    "QuantizeLinear", "QuickGelu",
)  # fmt: skip
# The standard operator whose output has the same shape, and the inputs that it reads.
STAND_INS = {
    **dict.fromkeys(ELEMENTWISE, ("Identity", slice(0, 1))),
    "FusedConv": ("Conv", slice(0, 2)),
    "QGemm": ("Gemm", slice(0, 6, 3)),
    "QLinearAdd": ("Add", slice(0, 6, 3)),
    "QLinearAveragePool": ("AveragePool", slice(0, 1)),
    "QLinearConcat": ("Concat", slice(2, None, 3)),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", slice(0, 1)),
    "QLinearMul": ("Mul", slice(0, 6, 3)),
}


def is_known(node: NodeProto) -> bool:
    """Whether the node is one of these operators."""
    return node.domain == DOMAIN and node.op_type in STAND_INS


def stand_in(graph: GraphProto) -> None:
    """Replaces these operators by standard ones with the same output shapes."""
    for node in graph.node:
        if is_known(node):
            operator, inputs = STAND_INS[node.op_type]
            names = list(node.input)[inputs]
            node.op_type, node.domain = operator, ""
            del node.input[:]
            node.input.extend(names)
