"""The parameters of a graph, and the node that each belongs to."""

import math
from collections.abc import Iterator

from onnx import GraphProto, NodeProto, TensorProto

FLOATING = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}

# Exporters write scalar operands of these operators as tensors of one element.
SCALING = {"Div", "Mul", "Pow", "QLinearMul"}

# The inputs that can be parameters; the others are scales, zero points, statistics or sizes.
PARAMETER_INPUTS = {
    "BatchNormalization": (1, 2),
    "ConvInteger": (1,),
    "DequantizeLinear": (0,),
    "MatMulInteger": (0, 1),
    "QGemm": (0, 3, 6),
    "QLinearAdd": (0, 3),
    "QLinearConv": (3, 8),
    "QLinearMatMul": (0, 3),
    "QLinearMul": (0, 3),
    "QuantizeLinear": (0,),
    "Resize": (),
    "Upsample": (),
}


def parameters_by_node(graph: GraphProto) -> list[int]:
    """The number of parameters of each node in the graph's order, without those of earlier nodes.

    A weight may reach its node through nodes that read constants only, such as DequantizeLinear. Scales, zero points,
    running statistics, scalars and shape constants are not parameters.
    """
    tensors = dict(constants(graph))
    weights = {name for name, tensor in tensors.items() if tensor.dims}
    scales = {node.output[1] for node in graph.node if node.op_type == "DynamicQuantizeLinear"}
    behind = {name: {name} & weights if tensor.data_type in FLOATING else set() for name, tensor in tensors.items()}
    behind[""] = set()
    counted: set[str] = set()
    found = []
    for node in graph.node:
        names = list(read_names(node))
        read = parameters_read(node, names, behind, weights) if scales.isdisjoint(names) else set()
        if behind.keys() >= set(names):
            for name in node.output:
                behind.setdefault(name, read)
            read = set()
        sizes = [math.prod(tensors[name].dims) for name in read - counted]
        found.append(sum(size for size in sizes if size > 1 or node.op_type not in SCALING))
        counted |= read
    return found


def parameters_read(node: NodeProto, names: list[str], behind: dict[str, set[str]], weights: set[str]) -> set[str]:
    """The parameters that a node reads; integers count only where the operator takes quantised parameters."""
    places = PARAMETER_INPUTS.get(node.op_type)
    if places is None:
        return set().union(*(behind.get(name, set()) for name in names))
    quantised = [names[place] for place in places if place < len(names)]
    return set().union(*(behind.get(name) or {name} & weights for name in quantised))


def constants(graph: GraphProto) -> Iterator[tuple[str, TensorProto]]:
    """The initializers and Constant nodes by name, those of nested graphs included."""
    for tensor in graph.initializer:
        yield tensor.name, tensor
    for node in graph.node:
        if node.op_type == "Constant":
            yield from ((node.output[0], one.t) for one in node.attribute if one.name == "value")
        for nested in nested_graphs(node):
            yield from constants(nested)


def read_names(node: NodeProto) -> Iterator[str]:
    """The names of the tensors that a node reads, in nested graphs too."""
    yield from node.input
    for nested in nested_graphs(node):
        for inner in nested.node:
            yield from read_names(inner)


def nested_graphs(node: NodeProto) -> list[GraphProto]:
    """The graphs in a node's attributes, such as the branches of an If."""
    return [one.g for one in node.attribute if one.HasField("g")]
