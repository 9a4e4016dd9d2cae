"""Rules that compare a configuration with the graph, as the C++ backend does when it loads a model.

The Python-based backend fails only when the model runs, so it refuses a model at loading where a warm-up runs.
(onnxruntime_backend: `ValidateInputs`, `ValidateOutputs`, `CompareDimsSupported`.)
"""

from collections.abc import Callable, Iterator

from tritonclient.grpc.model_config_pb2 import DataType, ModelInput, ModelOutput

from profiler.triton.lint.graph import Graph, GraphTensor
from profiler.triton.lint.model import Finding, Model, type_name
from profiler.triton.lint.rules_tensors import WILDCARD

Refuse = Callable[[str, str], Finding]


def match_rules(model: Model, graph: Graph) -> Iterator[Finding]:
    """Rules on inputs, then on outputs."""
    runs_at_loading = any(sample.batch_size for sample in model.config.model_warmup)
    at_run: Refuse = model.error if runs_at_loading else model.elsewhere
    yield from input_rules(model, graph, at_run)
    yield from output_rules(model, graph, at_run)


def input_rules(model: Model, graph: Graph, at_run: Refuse) -> Iterator[Finding]:
    """Every input of the graph is declared, and every declared input is in the graph with its type and shape."""
    config = model.config
    in_graph = {**graph.optional, **graph.inputs}
    controls = {tensor.name for tensor in config.sequence_batching.control_input}
    controls |= {state.input_name for state in config.sequence_batching.state}
    controls |= {name for source in config.batch_input for name in source.target_name}
    declared = {tensor.name for tensor in config.input}
    for name in sorted(set(graph.inputs) - declared - controls) if declared else []:
        yield at_run("input-undeclared", f"the graph needs input {name!r}, which no input declares: add it")
    for tensor in config.input:
        found = in_graph.get(tensor.name)
        if found is None:
            have = ", ".join(map(repr, sorted(graph.inputs))) or "none"
            yield at_run("input-unknown", f"input {tensor.name!r} is not in the graph, which has {have}")
            continue
        yield from type_rules(model, "input", tensor, found, at_run)
        yield from input_shape_rules(model, tensor, found)


def input_shape_rules(model: Model, tensor: ModelInput, found: GraphTensor) -> Iterator[Finding]:
    """The shape of an input may be narrower than in the graph, never wider."""
    batching = model.config.max_batch_size > 0
    if tensor.optional and batching:
        yield model.elsewhere("input-optional", f"input {tensor.name!r} is optional, which excludes batches")
    if tensor.allow_ragged_batch:
        if found.dims != (WILDCARD,):
            yield model.elsewhere("input-ragged", f"input {tensor.name!r} is ragged: the graph's must be of shape [-1]")
        return
    if not fits(found.dims, full_dims(tensor, batching), exactly=False):
        yield mismatch(model, "input", tensor, found)


def output_rules(model: Model, graph: Graph, at_run: Refuse) -> Iterator[Finding]:
    """Every declared output is in the graph with its type and exactly its shape."""
    scattered = {name for sink in model.config.batch_output for name in sink.target_name}
    for tensor in model.config.output:
        found = graph.outputs.get(tensor.name)
        if found is None:
            have = ", ".join(map(repr, sorted(graph.outputs))) or "none"
            yield at_run("output-unknown", f"output {tensor.name!r} is not in the graph, which has {have}")
            continue
        yield from type_rules(model, "output", tensor, found, model.elsewhere)
        dims = full_dims(tensor, model.config.max_batch_size > 0)
        if tensor.name not in scattered and not fits(found.dims, dims, exactly=True):
            yield mismatch(model, "output", tensor, found)


def type_rules(
    model: Model, what: str, tensor: ModelInput | ModelOutput, found: GraphTensor, refuse: Refuse
) -> Iterator[Finding]:
    """The declared type is that of the graph."""
    if tensor.data_type not in DataType.values() or tensor.data_type == DataType.TYPE_INVALID:
        return
    declared = type_name(tensor.data_type)
    if not found.is_tensor or not found.type_name:
        yield model.elsewhere(f"{what}-type", f"{what} {tensor.name!r} is of a type that Triton does not have")
    elif declared != found.type_name:
        yield refuse(f"{what}-type", f"{what} {tensor.name!r} is {declared}, and {found.type_name} in the graph")


def full_dims(tensor: ModelInput | ModelOutput, batching: bool) -> tuple[int, ...]:
    """The declared shape for the graph, after the reshape and with the batch axis."""
    dims = tensor.reshape.shape if tensor.HasField("reshape") else tensor.dims
    return (WILDCARD, *dims) if batching else tuple(dims)


def fits(found: tuple[int, ...], dims: tuple[int, ...], exactly: bool) -> bool:
    """Whether a declared shape agrees with the graph's; for a scalar every axis must be 1."""
    if not found:
        return all(dim in (1, WILDCARD) for dim in dims[:1]) and all(dim == 1 for dim in dims[1:])
    if len(found) != len(dims):
        return False
    return all(f == d or (not exactly and f == WILDCARD) for f, d in zip(found, dims, strict=True))


def mismatch(model: Model, what: str, tensor: ModelInput | ModelOutput, found: GraphTensor) -> Finding:
    """The finding for different shapes, or for a fixed batch axis."""
    batching = model.config.max_batch_size > 0
    dims = full_dims(tensor, batching)
    if batching and found.dims and found.dims[0] != WILDCARD:
        message = f"{what} {tensor.name!r} has the fixed first axis {found.dims[0]} in the graph"
        return model.elsewhere("batch-axis", f"{message}: export a symbolic one, or write max_batch_size: 0")
    axis = " with the batch axis" if batching else ""
    message = f"{what} {tensor.name!r} is {list(dims)}{axis}, and {list(found.dims)} in the graph"
    return model.elsewhere(f"{what}-dims", message)
