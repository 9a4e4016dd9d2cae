"""The nodes of a file that each node of the optimised graph computes."""

import re

from onnx import GraphProto, ModelProto, NodeProto

from profiler.graph.layers import CONVOLUTIONS, attribute
from profiler.graph.shapes import Shapes, UncountedError

# ONNX Runtime adds these to the name of a node, or of its result, where it changes the layout.
ADDED = re.compile(r"((_bn)?_nchwc)?(_token_\d+)?$")
BLOCKED_DOMAIN = "com.microsoft.nchwc"


def named_by_output(model: ModelProto) -> bytes:
    """The file with every node under the name of its first output, as such names differ and exist."""
    found = ModelProto()
    found.CopyFrom(model)
    for node in found.graph.node:
        node.name = node.output[0]
    return bytes(found.SerializeToString())


def computed_by(graph: GraphProto, optimised: GraphProto) -> dict[str, list[NodeProto]]:
    """By the name of each node of the optimised graph of `named_by_output`, the nodes of the file that it computes.

    A fusion keeps the name of the last tensor that it gives, so a node computes all before this tensor that no earlier
    node computes. A node that the runtime added computes none.
    """
    made_by = {name: node for node in graph.node for name in node.output}
    claimed: set[str] = set()
    found: dict[str, list[NodeProto]] = {}
    for node in optimised.node:
        waiting, found[node.name] = [*node.output, ADDED.sub("", node.name)], []
        while waiting:
            before = made_by.get(waiting.pop())
            if before is not None and before.output[0] not in claimed:
                claimed.add(before.output[0])
                found[node.name].insert(0, before)
                waiting += before.input
    return found


def is_depthwise(node: NodeProto, shapes: Shapes) -> bool:
    """Whether the node is a convolution in which every filter reads one channel of several."""
    if node.op_type not in CONVOLUTIONS or attribute(node, "group") < 2:
        return False
    try:
        return shapes.of(node.input[CONVOLUTIONS[node.op_type]])[1] == 1
    except UncountedError:
        return False
