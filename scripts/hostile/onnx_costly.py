"""Hostile ONNX files: small files that take much memory or time in a run."""

import numpy as np
from onnx import NodeProto, TensorProto, helper

from hostile.door import Inputs, Put
from hostile.onnx_made import ENDS, HEAD, constant, graph_of

COUNTS = (10**9, 10**10, 10**12, 2**62)
ONE = constant("one", [1], np.float32)
PICTURE = constant("pic", np.ones((1, 1, 8, 8)), np.float32)
# A node with the output `big`, and its input tensors.
COSTLY: dict[str, tuple[NodeProto, list[TensorProto]]] = {
    "Range": (
        helper.make_node("Range", ["r0", "r1", "r2"], ["big"]),
        [constant("r0", 0, np.float32), constant("r1", 1e12, np.float32), constant("r2", 1, np.float32)],
    ),
    "Pad": (helper.make_node("Pad", ["one", "p"], ["big"]), [ONE, constant("p", [10**10, 10**10])]),
    "Resize": (
        helper.make_node("Resize", ["pic", "", "scales"], ["big"]),
        [PICTURE, constant("scales", [1, 1, 1e5, 1e5], np.float32)],
    ),
    "RandomNormal": (helper.make_node("RandomNormal", [], ["big"], shape=[10**10]), []),
    "MatMul": (
        helper.make_node("MatMul", ["column", "row"], ["big"]),
        [constant("column", np.ones((200_000, 1)), np.float32), constant("row", np.ones((1, 200_000)), np.float32)],
    ),
    "OneHot": (
        helper.make_node("OneHot", ["i", "depth", "v"], ["big"]),
        [constant("i", [1]), constant("depth", [10**11]), constant("v", [0, 1], np.float32)],
    ),
    "convolutions that take long": (
        helper.make_node("Conv", ["pic", "k"], ["big"], pads=[20_000] * 4),
        [PICTURE, constant("k", np.ones((1, 1, 301, 301)), np.float32)],
    ),
}


def summed(node: NodeProto, tensors: list[TensorProto]) -> Put:
    """A network whose answer needs the sum over the node's output."""
    tail = [
        helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x0", "sum"], ["logits"]),
    ]
    return graph_of([*HEAD, node, *tail], [*ENDS, *tensors])


def inputs() -> Inputs:
    for count in COUNTS:
        size = constant("n", [count])
        yield f"ConstantOfShape of {count}", summed(helper.make_node("ConstantOfShape", ["n"], ["big"]), [size])
        yield f"Expand to {count}", summed(helper.make_node("Expand", ["one", "n"], ["big"]), [size, ONE])
        yield f"Tile of {count}", summed(helper.make_node("Tile", ["one", "n"], ["big"]), [size, ONE])
    for name, (node, tensors) in COSTLY.items():
        yield f"costly: {name}", summed(node, tensors)
