"""Rules on the inputs and outputs that a configuration declares (core: `ValidateModelIOConfig`)."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tritonclient.grpc.model_config_pb2 import BatchInput, BatchOutput, DataType, ModelInput, ModelOutput

from profiler.triton.lint.model import Finding, Model, elements, type_name

WILDCARD = -1
PICTURES = (ModelInput.FORMAT_NCHW, ModelInput.FORMAT_NHWC)
BATCH_INPUT_TYPES = ("TYPE_INT32", "TYPE_FP32")


def tensor_rules(model: Model) -> Iterator[Finding]:
    """Rules on every declared tensor, and on duplicate names."""
    for what, tensors in (("input", model.config.input), ("output", model.config.output)):
        for tensor in tensors:
            yield from one_tensor(model, what, tensor)
        names = Counter(tensor.name for tensor in tensors)
        for name in sorted(name for name, count in names.items() if count > 1):
            yield model.elsewhere("tensor-twice", f"{what} {name!r} occurs twice: keep one")
        if not names:
            fix = "only a server that completes configurations loads it correctly"
            yield model.elsewhere("tensor-none", f"no {what} is declared: write it ({fix})", "warning")


def one_tensor(model: Model, what: str, tensor: ModelInput | ModelOutput) -> Iterator[Finding]:
    """Rules on name, type and shape of a tensor."""
    label = f"{what} {tensor.name!r}"
    if not tensor.name:
        yield model.error("tensor-name", f"an {what} has no name: write the one that the graph has")
    if tensor.data_type == DataType.TYPE_INVALID:
        yield model.error("tensor-type", f"{label} has no data_type: write it, like TYPE_FP32")
    elif tensor.data_type not in DataType.values():
        yield model.elsewhere("tensor-type", f"{label} has data_type {tensor.data_type}, which no server knows")
    dims = list(tensor.dims)
    if not dims:
        yield model.error("tensor-dims", f"{label} has no dims: write them without the batch axis")
    if any(dim < 1 and dim != WILDCARD for dim in dims):
        yield model.error("tensor-dims", f"{label} has dims {list(dims)}: each is -1, or 1 and more")
    if tensor.HasField("reshape"):
        yield from reshape_rules(model, label, dims, list(tensor.reshape.shape))
    if tensor.is_shape_tensor or tensor.is_non_linear_format_io:
        yield model.error("tensor-kind", f"{label} is marked as TensorRT has them: drop the mark")
    if isinstance(tensor, ModelInput) and tensor.format in PICTURES and len(dims) != 3:
        yield model.error("tensor-format", f"{label} has a picture's format and {len(dims)} dims: three are needed")


def reshape_rules(model: Model, label: str, dims: list[int], shape: list[int]) -> Iterator[Finding]:
    """A reshape keeps the number of elements."""
    if not shape and model.config.max_batch_size == 0:
        yield model.error("reshape", f"{label} has an empty reshape, which max_batch_size 0 does not allow")
    if any(dim < 1 and dim != WILDCARD for dim in shape):
        yield model.error("reshape", f"{label} has reshape {list(shape)}: each is -1, or 1 and more")
    elif runs(dims) != runs(shape) and not (not shape and runs(dims) == [1]):
        yield model.error("reshape", f"{label} has dims {list(dims)} and reshape {list(shape)}, which differ in size")


def runs(dims: Sequence[int]) -> list[int]:
    """The numbers of elements between the axes of unknown size, each of which a reshape must keep."""
    found, start = [], 0
    for index, dim in enumerate(dims):
        if dim == WILDCARD:
            found.append(elements(dims[start:index]))
            start = index + 1
    return [*found, elements(dims[start:])]


def compatible(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes can be equal, where -1 is any size."""
    return len(one) == len(other) and all(WILDCARD in (a, b) or a == b for a, b in zip(one, other, strict=True))


def batch_tensor_rules(model: Model) -> Iterator[Finding]:
    """Rules on `batch_input` and `batch_output` (core: `ValidateBatchIO`)."""
    inputs = {tensor.name for tensor in model.config.input}
    outputs = {tensor.name for tensor in model.config.output}
    for source in model.config.batch_input:
        if source.kind not in BatchInput.Kind.values():
            yield model.error("batch-tensor", f"batch_input has the unknown kind {source.kind}")
        elif type_name(source.data_type) not in BATCH_INPUT_TYPES:
            yield model.error("batch-tensor", f"batch_input takes a data_type of {', '.join(BATCH_INPUT_TYPES)}")
        yield from source_rules(model, "batch_input", list(source.source_input), inputs)
    for sink in model.config.batch_output:
        if sink.kind not in BatchOutput.Kind.values():
            yield model.error("batch-tensor", f"batch_output has the unknown kind {sink.kind}")
        yield from source_rules(model, "batch_output", list(sink.source_input), inputs)
        targets = list(sink.target_name)
        if not set(targets) <= outputs or len(set(targets)) < len(targets):
            yield model.error("batch-tensor", f"batch_output names {targets}: choose outputs, each once")


def source_rules(model: Model, what: str, sources: list[str], inputs: set[str]) -> Iterator[Finding]:
    """Rules on the source of a batch tensor."""
    if len(sources) != 1 or not set(sources) <= inputs:
        yield model.error("batch-tensor", f"{what} names the source_input {sources}: name one input")


def label_rules(model: Model) -> Iterator[Finding]:
    """Rules on `label_filename`, a file that the server reads at loading and lint does not read."""
    labelled: set[str] = set()
    for output in model.config.output:
        file = output.label_filename
        if not file:
            continue
        if output.name in labelled:
            yield model.error("label-twice", f"output {output.name!r} has two label files: keep one")
        labelled.add(output.name)
        place = model.place(file)
        if place.kind == "outside":
            yield model.warning("path-leaves", f"label_filename {file!r} leads out of the repository: copy the file")
        elif place.kind in ("missing", "folder"):
            yield model.error("label-missing", f"label_filename {file!r} is no file of the model: add or drop it")
