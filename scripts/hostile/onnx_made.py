"""ONNX files for hostile changes: a good one, changes of it, and graphs of any nodes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from watched_commands import SUPPORT

from hostile.door import Put, inside

Change = Callable[[ModelProto], object]
Shape = list[int | str | None]
FLOAT = TensorProto.FLOAT
INPUT: Shape = ["batch", 1, 8, 8]
OUTPUT: Shape = ["batch", 3]
CONFIG = """backend: "onnxruntime" max_batch_size: 8 input { name: "input" data_type: TYPE_FP32 dims: [1, 8, 8] }
output { name: "logits" data_type: TYPE_FP32 dims: [3] } default_model_filename: "model.onnx" """


def laid(case: Path, data: bytes) -> None:
    """The model as a file, and as a model of a Triton repository."""
    path = inside(case, "model.onnx")
    path.write_bytes(data)
    copy = inside(case, "models", "m", "1", "model.onnx")
    copy.hardlink_to(path)
    inside(case, "models", "m", "config.pbtxt").write_text(CONFIG)


def good_bytes() -> bytes:
    with TemporaryDirectory() as folder:
        path: Path = SUPPORT.write_network(Path(folder) / "model.onnx")
        return path.read_bytes()


def good() -> ModelProto:
    model = ModelProto()
    model.ParseFromString(good_bytes())
    return model


def changed(change: Change) -> Put:
    """The good file after a change."""

    def put(case: Path) -> None:
        model = good()
        change(model)
        laid(case, model.SerializeToString())

    return put


def graph_of(
    nodes: Sequence[NodeProto],
    tensors: Sequence[TensorProto] = (),
    functions: Sequence[Any] = (),
    shape: Sequence[Any] | None = INPUT,
    output: Sequence[Any] | None = OUTPUT,
    opset: int = 20,
) -> Put:
    """A network from `input` to `logits`."""

    def put(case: Path) -> None:
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("input", FLOAT, shape)],
            [helper.make_tensor_value_info("logits", FLOAT, output)],
            list(tensors),
        )
        opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid("mine", 1)] if functions else [])
        model = helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10)
        laid(case, model.SerializeToString())

    return put


def constant(name: str, values: Any, kind: Any = np.int64) -> TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=kind), name)


def shaped(value: ValueInfoProto, dims: Sequence[int | str | None] | None) -> None:
    """Gives a value that shape; `None` is an unknown rank."""
    tensor = value.type.tensor_type
    tensor.ClearField("shape")
    if dims is not None:
        tensor.shape.SetInParent()
    for size in dims or []:
        axis = tensor.shape.dim.add()
        if isinstance(size, int):
            axis.dim_value = size
        elif isinstance(size, str):
            axis.dim_param = size


# Three numbers of the picture have the name x0.
HEAD = [helper.make_node("Flatten", ["input"], ["flat"]), helper.make_node("Slice", ["flat", "s", "e", "a"], ["x0"])]

ENDS = [constant("s", [0]), constant("e", [3]), constant("a", [1])]
