"""The reader of ONNX files: a checked, self-contained graph of bounded size."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, EncodeError
from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto
from onnx.inliner import inline_local_functions

from profiler.common.door import contents
from profiler.common.errors import BadInputError, ModelError
from profiler.graph.parameters import nested_graphs

# The most bytes of a protocol buffer.
LIMIT_BYTES = (1 << 31) - 1
FIX = "give the path of an ONNX file"
# The largest networks that one machine serves have some thousands of nodes.
LARGEST = 20_000
Key = tuple[str, str, str]


def read_onnx(path: Path) -> ModelProto:
    """The checked model; raises `ModelError` for a file that is missing, truncated or not ONNX."""
    try:
        content = contents(path, LIMIT_BYTES, FIX)
    except BadInputError as error:
        raise ModelError(str(error)) from error
    return parse_onnx(content, str(path))


def parse_onnx(content: bytes, name: str) -> ModelProto:
    """The checked model of a file's content; raises `ModelError` for one that is not ONNX or not self-contained."""
    try:
        model = onnx.load_model_from_string(content)
        tensors = chain(tensors_of(model.graph), *(tensors_at(function.node) for function in model.functions))
        if any(tensor.data_location == TensorProto.EXTERNAL for tensor in tensors):
            raise ModelError("the file keeps its weights in other files: make it one with onnx.save(onnx.load(…), …)")
        onnx.checker.check_model(content)
    except (DecodeError, EncodeError, onnx.checker.ValidationError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise ModelError(f"{name} is truncated or not an ONNX file ({reason}): export it again") from error
    return model


def standard_opset(model: ModelProto) -> int:
    """The version of ONNX's own operators; raises `ModelError` where the file imports none of them."""
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx"):
            return int(entry.version)
    domains = ", ".join(entry.domain[:32] for entry in model.opset_import[:8]) or "none"
    raise ModelError(
        f"the file imports no operators of ONNX's own domain, but {domains}: export it with a standard one"
    )


def check_size(model: ModelProto) -> None:
    """Raises `ModelError` for a graph of too many nodes, with every function call counted as the function's nodes."""
    functions = {(one.domain, one.name, one.overload): one for one in model.functions}
    written = sum(len(one.node) for one in (model.graph, *model.functions))
    if written <= LARGEST and count(model.graph.node, functions, {}) <= LARGEST:
        return
    raise ModelError(f"the graph has more than {LARGEST:,} nodes: simplify it, or export less of it")


def count(nodes: Sequence[NodeProto], functions: dict[Key, FunctionProto], known: dict[Key, int]) -> int:
    """The number of nodes after every function is inlined, those of nested graphs included."""
    found = 0
    for node in nodes:
        found += 1 + sum(count(graph.node, functions, known) for graph in graphs_in(node))
        key = (node.domain, node.op_type, node.overload)
        if key in functions:
            if key not in known:
                # ONNX's own checks refuse a function that calls itself later.
                known[key] = 0
                known[key] = count(functions[key].node, functions, known)
            found += known[key]
    return found


def graphs_in(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs in a node's attributes, lists of graphs included."""
    yield from nested_graphs(node)
    for attribute in node.attribute:
        yield from attribute.graphs


def inlined(model: ModelProto) -> ModelProto:
    """The model with its functions inlined."""
    return inline_local_functions(model) if model.functions else model


def tensors_of(graph: GraphProto) -> Iterator[TensorProto]:
    """The tensors of a graph and of its nested graphs."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from tensors_at(graph.node)


def tensors_at(nodes: Sequence[NodeProto]) -> Iterator[TensorProto]:
    """The tensors in the attributes of nodes, at any depth."""
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
        for graph in graphs_in(node):
            yield from tensors_of(graph)
