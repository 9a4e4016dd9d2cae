"""Networks that need a lot for honest reasons: small files of much work, or of large tensors between the nodes."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper, save


def write(path: Path, nodes: list[NodeProto], tensors: dict[str, np.ndarray], size: int) -> Path:
    graph = helper.make_graph(
        [*nodes, helper.make_node("ReduceMean", ["last", "axes"], ["y"], keepdims=0)],
        "large",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "channels"])],
        [numpy_helper.from_array(value, name) for name, value in {"axes": np.array([2, 3]), **tensors}.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


def much_work(path: Path) -> Path:
    """155 billion multiply-accumulates for an input."""
    weight = np.full((512, 512, 3, 3), 1e-4, np.float32)
    names = ["wide", "a", "b", "c", "last"]
    nodes = [helper.make_node("Conv", [a, "w"], [b], pads=[1] * 4) for a, b in pairwise(names)]
    tile = helper.make_node("Tile", ["x", "repeats"], ["wide"])
    return write(path, [tile, *nodes], {"w": weight, "repeats": np.array([1, 128, 1, 1])}, 128)


def large_tensors(path: Path) -> Path:
    """Ten tensors of 64 MiB for an input that are there at once, as where late layers see early ones."""
    copies = [f"copy{place}" for place in range(10)]
    nodes = [
        helper.make_node("Tile", ["x", "repeats"], ["wide"]),
        *(helper.make_node("Mul", ["wide", f"by{name}"], [name]) for name in copies),
        helper.make_node("Sum", copies, ["last"]),
    ]
    factors = {f"by{name}": np.array(place + 1.0, np.float32) for place, name in enumerate(copies)}
    return write(path, nodes, {**factors, "repeats": np.array([1, 64, 1, 1])}, 256)
