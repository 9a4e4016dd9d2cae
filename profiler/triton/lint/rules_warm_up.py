"""Rules on `model_warmup`, which a server runs at loading (core: `GenerateWarmupData`)."""

from collections.abc import Iterator

from tritonclient.grpc.model_config_pb2 import DataType, ModelWarmup

from profiler.triton.lint.graph import BYTES_OF, TYPE_NAMES, Graph
from profiler.triton.lint.model import Finding, Model, elements
from profiler.triton.lint.rules_tensors import WILDCARD, compatible

WIDTHS = {DataType.Value(TYPE_NAMES[kind]): width for kind, width in BYTES_OF.items()}
# An element of a type without a width, such as a string, is counted by its length prefix.
TEXT_LENGTH_BYTES = 4
LARGE_BYTES = 1 << 30


def warm_up_rules(model: Model) -> Iterator[Finding]:
    """Rules on every sample that would run."""
    for sample in model.config.model_warmup:
        if sample.batch_size:
            yield from sample_rules(model, sample)


def sample_rules(model: Model, sample: ModelWarmup) -> Iterator[Finding]:
    """Rules on a sample's batch size and on its inputs."""
    label, largest = f"warm-up {sample.name!r}", model.config.max_batch_size
    if sample.batch_size > max(largest, 1):
        message = f"{label} has batch_size {sample.batch_size:,} over max_batch_size {largest}: choose one that fits"
        yield model.error("warmup-batch", message)
    declared = {tensor.name: tensor for tensor in model.config.input}
    missing = sorted(name for name, tensor in declared.items() if not tensor.optional and name not in sample.inputs)
    if missing:
        yield model.error("warmup-inputs", f"{label} lacks the inputs {', '.join(map(repr, missing))}: add them")
    for name in sorted(sample.inputs):
        given = sample.inputs[name]
        yield from data_rules(model, f"{label} input {name!r}", sample, given)
        tensor = declared.get(name)
        if tensor is None:
            yield model.warning("warmup-inputs", f"{label} has the undeclared input {name!r}: drop it")
            continue
        if tensor.data_type != given.data_type:
            yield model.error(
                "warmup-type", f"{label} input {name!r} has another data_type than the model's: correct it"
            )
        if not compatible(list(given.dims), list(tensor.dims)):
            message = f"{label} input {name!r} has dims {list(given.dims)} for {list(tensor.dims)}"
            yield model.error("warmup-dims", f"{message}: write those of one item without the batch axis")


def data_rules(model: Model, label: str, sample: ModelWarmup, given: ModelWarmup.Input) -> Iterator[Finding]:
    """Rules on the source and the amount of an input's data."""
    source = given.WhichOneof("input_data_type")
    if source is None:
        yield model.error("warmup-data", f"{label} has no data: write zero_data: true")
    if WILDCARD in given.dims:
        yield model.error("warmup-dims", f"{label} has dims {list(given.dims)}: write every one")
        return
    wanted = elements(given.dims) * WIDTHS.get(given.data_type, TEXT_LENGTH_BYTES)
    if wanted * sample.batch_size > LARGE_BYTES:
        yield model.warning("warmup-size", f"{label} takes {wanted * sample.batch_size:,} bytes at loading: use fewer")
    if source == "random_data" and given.data_type in (DataType.TYPE_FP16, DataType.TYPE_FP32, DataType.TYPE_FP64):
        yield model.warning("warmup-random", f"{label} is random bytes, NaN among them: write zero_data: true")
    if source == "input_data_file":
        yield from file_rules(model, label, given, wanted)


def file_rules(model: Model, label: str, given: ModelWarmup.Input, wanted: int) -> Iterator[Finding]:
    """The file of an input is in `warmup/` and has enough bytes."""
    path = f"warmup/{given.input_data_file}"
    place = model.place(path)
    if place.kind == "outside":
        yield model.warning("path-leaves", f"{label}: {path} leads out of the repository: copy the file")
    elif place.kind != "file":
        yield model.error("warmup-file", f"{label}: {path} is no file: add it, or write zero_data: true")
    elif given.data_type != DataType.TYPE_STRING and place.size < wanted:
        yield model.error("warmup-file", f"{label}: {path} has {place.size:,} bytes for {wanted:,}: write it again")
    elif given.data_type != DataType.TYPE_STRING and place.size > wanted:
        yield model.warning("warmup-file", f"{label}: {path} has {place.size:,} bytes for {wanted:,}: check the file")


def warm_up_graph_rules(model: Model, graph: Graph) -> Iterator[Finding]:
    """The graph accepts the shapes of a sample, including the batch axis."""
    batching = model.config.max_batch_size > 0
    declared = {tensor.name: tensor for tensor in model.config.input}
    for sample in (sample for sample in model.config.model_warmup if sample.batch_size):
        for name in sorted(set(sample.inputs) & set(declared) & set(graph.inputs)):
            tensor, accepted = declared[name], graph.inputs[name].dims
            dims = list(tensor.reshape.shape if tensor.HasField("reshape") else sample.inputs[name].dims)
            fed = [1, *dims] if batching else dims
            if accepted and not compatible(fed, accepted):
                message = f"warm-up {sample.name!r} has {name!r} as {list(fed)}, and the graph {list(accepted)}"
                yield model.error("warmup-dims", message)
