"""The memory of the tensors between a graph's nodes, by batch, counted without running the graph.

Nothing is counted where shape inference cannot follow a shape that the graph computes. Values are followed only in
lists and single numbers of 64-bit integers: the runtime rounds and wraps other types, and the inference does not.
"""

import math
from collections.abc import Iterator, Mapping

import onnx
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from profiler.graph.contrib import stand_in
from profiler.graph.parameters import FLOATING, nested_graphs
from profiler.graph.read import inlined
from profiler.graph.shapes import UncountedError, axes, fix_input, network_inputs, without_weights

# The type of a tensor's values, and whether the tensor is known to be a list or a single number.
Kind = tuple[int, bool]
# These operators read shapes and no values.
SHAPE_OPERATORS = ("Shape", "Size")


class Activations:
    """A graph with one network input of shape (C, H, W); shapes that its file declares are ignored."""

    def __init__(self, model: ModelProto, shape: tuple[int, ...]) -> None:
        self._model = without_weights(inlined(model))
        graph = self._model.graph
        del graph.value_info[:]
        for value in graph.output:
            value.type.tensor_type.ClearField("shape")
        self.nested = any(nested_graphs(node) for node in graph.node)
        stand_in(graph)
        self._input = network_inputs(graph)[0]
        fix_input(self._input, (1, *shape))
        hide_inexact(self._model)

    def bytes(self, batch: int) -> int:
        """The bytes of all nodes' outputs together; raises `UncountedError` where they cannot be counted."""
        if self.nested:
            raise UncountedError("a nested graph runs as often as its values say")
        axes(self._input)[0].dim_value = batch
        values = inferred(self._model)
        return sum(size(name, values) for node in self._model.graph.node for name in node.output if name)


def inferred(model: ModelProto) -> dict[str, ValueInfoProto]:
    """The inferred tensors by name; raises `UncountedError` for a graph that contradicts itself."""
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except onnx.shape_inference.InferenceError as error:
        raise UncountedError("the shapes contradict each other") from error
    return {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}


def size(name: str, values: Mapping[str, ValueInfoProto]) -> int:
    """The bytes of a tensor; raises `UncountedError` where an axis is unknown."""
    kind = values[name].type.tensor_type if name in values else None
    if kind is None or not kind.HasField("shape"):
        raise UncountedError(f"the shape of tensor {name} cannot be inferred")
    dims = [axis.dim_value if axis.HasField("dim_value") else -1 for axis in kind.shape.dim]
    if min(dims, default=0) < 0:
        raise UncountedError(f"the shape of tensor {name} cannot be inferred")
    return math.prod(dims) * helper.tensor_dtype_to_np_dtype(kind.elem_type).itemsize


def hide_inexact(model: ModelProto) -> None:
    """Puts an operator that stops the inference of values after each node whose integers it would get wrong."""
    try:
        values = inferred(model)
    except UncountedError:
        # Counting raises the same error later.
        return
    tensors = {name: value.type.tensor_type for name, value in values.items()}
    kinds = {name: (one.elem_type, one.HasField("shape") and len(one.shape.dim) < 2) for name, one in tensors.items()}
    kinds |= {tensor.name: (tensor.data_type, len(tensor.dims) < 2) for tensor in model.graph.initializer}
    nodes = [one for node in model.graph.node for one in hidden(node, kinds)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def is_exact(node: NodeProto, kinds: Mapping[str, Kind]) -> bool:
    """Whether the inference is exact for a node: no integers, or lists of 64-bit integers from such lists."""
    known = {name: kinds[name] for name in (*node.input, *node.output) if name in kinds}
    typed = [*node.output, *(node.input if node.op_type == "Cast" else [])]
    types = {known[name][0] if name in known else None for name in typed if name}
    used = node.output if node.op_type in SHAPE_OPERATORS else known
    lists = all(known[name][1] for name in used if name in known and known[name][0] == TensorProto.INT64)
    return types <= FLOATING or (types <= {TensorProto.INT64} and lists)


def hidden(node: NodeProto, kinds: Mapping[str, Kind]) -> Iterator[NodeProto]:
    """The node, and the operators that hide its values where the inference would get them wrong."""
    outputs = [] if is_exact(node, kinds) else [place for place, name in enumerate(node.output) if name]
    behind = [helper.make_node("Neg", [f"{node.output[at]}/hidden"], [node.output[at]]) for at in outputs]
    for at in outputs:
        node.output[at] += "/hidden"
    yield node
    yield from behind
