"""Hostile ONNX files: shapes, types and attributes."""

from onnx import AttributeProto, ModelProto, helper

from hostile.door import Inputs, Put
from hostile.onnx_made import Shape, changed, shaped

SIZES = {"0": 0, "-1": -1, "2^31-1": 2**31 - 1, "2^31": 2**31, "2^62": 2**62, "2^63-1": 2**63 - 1}
SHAPES: dict[str, Shape | None] = {
    "unknown rank": None,
    "rank 0": [],
    "rank 1": ["n"],
    "rank 2": ["n", 3],
    "rank 3": ["n", 1, 8],
    "rank 5": [1] * 5,
    "rank 9": ["n", *[1] * 8],
    "10^5 axes": [1] * 100_000,
    "all open": ["a", "b", "c", "d"],
    "no name": [None] * 4,
    "batch of 0": [0, 1, 8, 8],
    "batch of 7": [7, 1, 8, 8],
    "the same name": ["n"] * 4,
    **{f"batch {name}": [size, 1, 8, 8] for name, size in SIZES.items()},
    **{f"channels {name}": ["n", size, 8, 8] for name, size in SIZES.items()},
    **{f"side {name}": ["n", 1, 8, size] for name, size in SIZES.items()},
}


def shapes() -> Inputs:
    for name, shape in SHAPES.items():
        yield f"input: {name}", source_of(shape)
        yield f"output: {name}", sink_of(shape)


def source_of(shape: Shape | None) -> Put:
    return changed(lambda model: shaped(model.graph.input[0], shape))


def sink_of(shape: Shape | None) -> Put:
    return changed(lambda model: shaped(model.graph.output[0], shape))


def types() -> Inputs:
    def typed(place: str, kind: int) -> Put:
        def change(model: ModelProto) -> None:
            getattr(model.graph, place)[0].type.tensor_type.elem_type = kind

        return changed(change)

    for kind in (0, 2, 3, 7, 8, 9, 10, 11, 14, 16, 22, 99):
        yield (f"input of type {kind}", typed("input", kind))
        yield (f"output of type {kind}", typed("output", kind))
    for name in ("sequence_type", "optional_type", "map_type", "sparse_tensor_type"):

        def change(model: ModelProto, name: str = name) -> None:
            model.graph.input[0].type.Clear()
            getattr(model.graph.input[0].type, name).SetInParent()

        yield (f"input a {name}", changed(change))


def attributes() -> Inputs:
    def of_the_convolution(name: str, values: list[int]) -> Put:
        def change(model: ModelProto) -> None:
            node = model.graph.node[0]
            for one in [one for one in node.attribute if one.name == name]:
                node.attribute.remove(one)
            node.attribute.append(helper.make_attribute(name, values, attr_type=AttributeProto.INTS))

        return changed(change)

    for name in ("pads", "strides", "dilations", "kernel_shape"):
        for values in ([0, 0], [-1, -1], [2**31, 2**31], [2**62] * 4, [1] * 100_000):
            yield (f"{name} {values[:2]} × {len(values)}", of_the_convolution(name, values))
    for group in (0, -1, 2**62):
        yield (f"group {group}", more_groups(group))


def more_groups(group: int) -> Put:
    return changed(lambda model: model.graph.node[0].attribute.append(helper.make_attribute("group", group)))
