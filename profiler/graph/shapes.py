"""The shape of every tensor of a graph for one input."""

from collections.abc import Mapping, Sequence

import onnx
from onnx import GraphProto, ModelProto, TensorProto, TensorShapeProto, ValueInfoProto

from profiler.common.errors import BadInputError
from profiler.graph.contrib import stand_in

Shape = tuple[int, ...]
LONG_BYTES = 1024


class UncountedError(Exception):
    """The work of a node, or the shape of a tensor, cannot be counted."""


class Shapes:
    """The shapes of tensors by name; `why_unknown` is the reason why others cannot be inferred."""

    def __init__(self, known: Mapping[str, Shape], why_unknown: str) -> None:
        self._known, self._why_unknown = known, why_unknown

    def of(self, name: str) -> Shape:
        """The shape of a tensor, batch axis included; raises `UncountedError` where an axis is unknown."""
        shape = self._known.get(name)
        if shape is None or 0 in shape:
            raise UncountedError(f"the shape of tensor {name} cannot be inferred{self._why_unknown}")
        return shape


def infer_shapes(model: ModelProto, input_shape: Shape | None = None) -> Shapes:
    """The shapes of all tensors, with a symbolic first axis of the inputs, the batch, set to 1.

    `input_shape`, without the batch, sets other symbolic axes. Raises `BadInputError` where it contradicts the graph.
    """
    fixed = without_weights(model)
    inputs = network_inputs(fixed.graph)
    if input_shape is not None:
        check_fits(inputs, input_shape)
    symbols: dict[str, int] = {}
    for tensor in inputs:
        symbols |= fix_input(tensor, (1, *(input_shape or ())))
    for value in (*fixed.graph.output, *fixed.graph.value_info):
        bind(value, symbols)
    stand_in(fixed.graph)
    return Shapes(infer(fixed), reason_for_open_axes(inputs))


def without_weights(model: ModelProto) -> ModelProto:
    """A copy without the values of tensors that are too long to hold shapes, as inference copies values many times."""
    found = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, functions=model.functions)
    graph = model.graph
    found.graph.MergeFrom(GraphProto(name=graph.name, input=graph.input, output=graph.output, node=graph.node))
    found.graph.value_info.extend(graph.value_info)
    found.graph.sparse_initializer.extend(graph.sparse_initializer)
    found.graph.initializer.extend(shortened(tensor) for tensor in graph.initializer)
    for node in found.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                attribute.t.CopyFrom(shortened(attribute.t))
    return found


def shortened(tensor: TensorProto) -> TensorProto:
    """The tensor itself, without its values where it is long."""
    if tensor.ByteSize() <= LONG_BYTES:
        return tensor
    return TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)


def infer(model: ModelProto) -> dict[str, Shape]:
    """The shapes of a graph with fixed inputs; declared ones, which may be stale, only where none can be inferred."""
    declared = list(model.graph.value_info)
    del model.graph.value_info[:]
    known = shapes_in(onnx.shape_inference.infer_shapes(model, data_prop=True).graph)
    needed = [value for value in declared if 0 in known.get(value.name, (0,))]
    if not needed:
        return known
    model.graph.value_info.extend(needed)
    return shapes_in(onnx.shape_inference.infer_shapes(model, data_prop=True).graph)


def shapes_in(graph: GraphProto) -> dict[str, Shape]:
    """The shapes that a graph declares for its tensors; an unknown axis is 0."""
    known = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.HasField("shape"):
            known[value.name] = tuple(axis.dim_value for axis in axes(value))
    return known


def network_inputs(graph: GraphProto) -> list[ValueInfoProto]:
    """The inputs that a caller feeds, without weights, which old files list among the inputs."""
    weights = {tensor.name for tensor in graph.initializer}
    return [tensor for tensor in graph.input if tensor.name not in weights]


def axes(tensor: ValueInfoProto) -> Sequence[TensorShapeProto.Dimension]:
    """The axes of a tensor, each with its size or symbol."""
    found: Sequence[TensorShapeProto.Dimension] = tensor.type.tensor_type.shape.dim
    return found


def check_fits(inputs: list[ValueInfoProto], input_shape: Shape) -> None:
    """Raises `BadInputError` where the graph does not accept one input of this shape."""
    given, names = f"input_shape={list(input_shape)}", [tensor.name for tensor in inputs]
    if len(inputs) != 1:
        raise BadInputError(f"{given} is for one input and the graph has {names}: leave it out")
    declared = axes(inputs[0])[1:]
    shape = [axis.dim_value or axis.dim_param or "?" for axis in declared]
    if len(shape) != len(input_shape) or any(
        size < 1 or (axis.HasField("dim_value") and axis.dim_value != size)
        for axis, size in zip(declared, input_shape, strict=True)
    ):
        raise BadInputError(f"{given} does not fit input {names[0]!r}: give {shape} with sizes for names")


def fix_input(tensor: ValueInfoProto, sizes: Shape) -> dict[str, int]:
    """Sets the sizes of an input's first axes where they have none; returns the sizes of their symbols."""
    symbols = {}
    for axis, size in zip(axes(tensor), sizes, strict=False):
        if not axis.HasField("dim_value"):
            symbols[axis.dim_param] = size
            axis.dim_value = size
    return {symbol: size for symbol, size in symbols.items() if symbol}


def bind(value: ValueInfoProto, symbols: Mapping[str, int]) -> None:
    """Sets the sizes of known symbols and clears other symbolic axes, so that they are inferred."""
    for axis in axes(value):
        if axis.dim_param in symbols:
            axis.dim_value = symbols[axis.dim_param]
        elif not axis.HasField("dim_value"):
            axis.Clear()


def reason_for_open_axes(inputs: list[ValueInfoProto]) -> str:
    """The end of the reason for an unknown shape: the first input with symbolic axes, empty where there is none."""
    for tensor in inputs:
        symbols = [axis.dim_param or "?" for axis in axes(tensor) if not axis.HasField("dim_value")]
        if symbols:
            return f": input {tensor.name!r} leaves {', '.join(symbols)} open, give input_shape"
    return ""
