"""Hostile ONNX files that do not end: loops, loops in loops, functions that call functions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper

from hostile.door import Inputs, Put
from hostile.onnx_made import ENDS, FLOAT, HEAD, constant, graph_of

GOES_ON = helper.make_node("Identity", ["c"], ["c2"])
ADDS = [GOES_ON, helper.make_node("Add", ["x", "x"], ["y"])]
DOUBLES = [GOES_ON, helper.make_node("Concat", ["x", "x"], ["y"], axis=1)]


def body(nodes: Sequence[NodeProto], mark: str = "") -> GraphProto:
    """The body of a loop that carries one tensor; `mark` distinguishes its names from those of another."""
    values = helper.make_tensor_value_info
    return helper.make_graph(
        list(nodes),
        f"body{mark}",
        [
            values(f"i{mark}", TensorProto.INT64, []),
            values(f"c{mark}", TensorProto.BOOL, []),
            values(f"x{mark}", FLOAT, None),
        ],
        [values("c3" if mark else "c2", TensorProto.BOOL, []), values(f"y{mark}", FLOAT, None)],
    )


def looped(nodes: Sequence[NodeProto], turns: int | None) -> Put:
    """A loop with a number of turns, or without a number."""
    loop = helper.make_node("Loop", ["" if turns is None else "m", "t", "x0"], ["logits"], body=body(nodes))
    tensors = [*ENDS, constant("t", True, np.bool_)] + ([] if turns is None else [constant("m", turns)])
    return graph_of([*HEAD, loop], tensors)


def loops() -> Inputs:
    for name, nodes, fewest in (("adds", ADDS, 10**6), ("doubles its tensor", DOUBLES, 60)):
        for turns in (fewest, 10**12, 10**15, 2**63 - 1):
            yield f"loop of {turns} that {name}", looped(nodes, turns)
    inner = body([helper.make_node("Identity", ["c_"], ["c3"]), helper.make_node("Add", ["x_", "x_"], ["y_"])], "_")
    yield "loop in a loop", looped([GOES_ON, helper.make_node("Loop", ["m", "t", "x"], ["y"], body=inner)], 10**8)
    yield "loop without a number of turns", looped(ADDS, None)


def called(first: str, functions: Sequence[Any]) -> Put:
    return graph_of([*HEAD, helper.make_node(first, ["x0"], ["logits"], domain="mine")], ENDS, functions)


def functions() -> Inputs:
    for depth in (20, 40, 200):
        yield f"{depth} functions, each twice the one before", called(f"F{depth}", doubling(depth))
    for name, calls in (("itself", ["F1"]), ("each other", ["F2", "F1"])):
        yield f"function that calls {name}", called("F1", [calling(f"F{n}", one) for n, one in enumerate(calls, 1)])


def calling(name: str, other: str) -> Any:
    nodes = [helper.make_node(other, ["x"], ["y"], domain="mine")]
    return helper.make_function("mine", name, ["x"], ["y"], nodes, [helper.make_opsetid("mine", 1)])


def doubling(depth: int) -> list[Any]:
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("mine", 1)]
    found = [helper.make_function("mine", "F0", ["x"], ["y"], [helper.make_node("Neg", ["x"], ["y"])], opsets)]
    for index in range(1, depth + 1):
        calls = [helper.make_node(f"F{index - 1}", [a], [b], domain="mine") for a, b in (("x", "z"), ("z", "y"))]
        found.append(helper.make_function("mine", f"F{index}", ["x"], ["y"], calls, opsets))
    return found
