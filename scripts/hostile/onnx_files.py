"""The door of ONNX files."""

from hostile import onnx_costly, onnx_endless, onnx_shapes, onnx_structures, onnx_texts, onnx_weights
from hostile.door import UNTRACKED, Door, profiler, words
from hostile.onnx_made import good_bytes, laid

door = Door(
    "ONNX file",
    lambda case: laid(case, good_bytes()),
    {
        "import": words(
            "stage=import", "model={case}/in/model.onnx", "datamodule=none", UNTRACKED, "workspace={case}/ws"
        ),
        "profiler": profiler("in/model.onnx"),
        "lint": words("lint", "{case}/in/models"),
    },
    parts=("box",),
)
for inputs in (
    onnx_shapes.shapes,
    onnx_shapes.types,
    onnx_endless.loops,
    onnx_endless.functions,
    onnx_costly.inputs,
    onnx_weights.inputs,
    onnx_structures.inputs,
    onnx_shapes.attributes,
    onnx_texts.names,
    onnx_texts.bytes_of_any_kind,
):
    door.add_all(inputs())
