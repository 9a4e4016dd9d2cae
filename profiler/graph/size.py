"""How large a graph is for those who must work through it, whatever its file hides in functions and nested graphs."""

from collections.abc import Iterator, Sequence

from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto
from onnx.inliner import inline_local_functions

from profiler.common.errors import ModelError
from profiler.graph.parameters import nested_graphs

# The largest networks that people serve on one machine have some thousands.
LARGEST = 20_000

Key = tuple[str, str, str]


def check_size(model: ModelProto) -> None:
    """Raises `ModelError` for a graph of too many nodes, every call of a function counted as what it stands for."""
    functions = {(one.domain, one.name, one.overload): one for one in model.functions}
    written = sum(len(one.node) for one in (model.graph, *model.functions))
    if written <= LARGEST and count(model.graph.node, functions, {}) <= LARGEST:
        return
    raise ModelError(f"the graph has more than {LARGEST:,} nodes: simplify it, or export less of it")


def count(nodes: Sequence[NodeProto], functions: dict[Key, FunctionProto], known: dict[Key, int]) -> int:
    """The nodes when every function is written out where it is called, those of nested graphs too."""
    found = 0
    for node in nodes:
        found += 1 + sum(count(graph.node, functions, known) for graph in graphs_in(node))
        key = (node.domain, node.op_type, node.overload)
        if key in functions:
            if key not in known:
                # A function that calls itself is refused by what reads it after this.
                known[key] = 0
                known[key] = count(functions[key].node, functions, known)
            found += known[key]
    return found


def graphs_in(node: NodeProto) -> Iterator[GraphProto]:
    yield from nested_graphs(node)
    for attribute in node.attribute:
        yield from attribute.graphs


def inlined(model: ModelProto) -> ModelProto:
    """The graph with its functions written out where they are called."""
    return inline_local_functions(model) if model.functions else model


def check_self_contained(model: ModelProto) -> None:
    """Raises `ModelError` for a file that keeps tensors in others, however deep."""
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in all_tensors(model)):
        raise ModelError("the file keeps its weights in other files: make it one with onnx.save(onnx.load(…), …)")


def all_tensors(model: ModelProto) -> Iterator[TensorProto]:
    yield from tensors_of(model.graph)
    for function in model.functions:
        yield from tensors_at(function.node)


def tensors_of(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from tensors_at(graph.node)


def tensors_at(nodes: Sequence[NodeProto]) -> Iterator[TensorProto]:
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
        for graph in graphs_in(node):
            yield from tensors_of(graph)
