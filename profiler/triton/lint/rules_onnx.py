"""Rules by which ONNX Runtime refuses an ONNX file, checked without reading the weights."""

from collections.abc import Iterator
from itertools import chain

import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto

from profiler.triton.lint.model import Finding, Model, elements, shown
from profiler.triton.lint.skeleton import Skeleton
from profiler.triton.lint.tree import Place

STANDARD = ("", "ai.onnx")
# The newest versions that the server's ONNX Runtime, 1.31, reads.
OPSET, FORMAT = 26, 13
# ONNX Runtime does not guarantee older operator sets.
OLDEST_OPSET = 7
CONTRIBUTED = ("com.microsoft", "com.ms.", "ai.onnx.", "org.pytorch.aten")
BYTES_OF: dict[int, int] = {
    TensorProto.FLOAT: 4,
    TensorProto.UINT8: 1,
    TensorProto.INT8: 1,
    TensorProto.UINT16: 2,
    TensorProto.INT16: 2,
    TensorProto.INT32: 4,
    TensorProto.INT64: 8,
    TensorProto.BOOL: 1,
    TensorProto.FLOAT16: 2,
    TensorProto.DOUBLE: 8,
    TensorProto.UINT32: 4,
    TensorProto.UINT64: 8,
    TensorProto.BFLOAT16: 2,
}


def graph_rules(model: Model, file: str, skeleton: Skeleton) -> Iterator[Finding]:
    """Rules on the file's versions, its operators, the producers of its values, and the sizes of its tensors."""
    network = skeleton.model
    if not network.HasField("graph"):
        yield model.error("onnx-graph", "it holds no graph: export it again", file)
        return
    yield from version_rules(model, file, network)
    if network.opset_import:
        yield from operator_rules(model, file, network)
    for problem in chain(value_problems(network.graph, []), tensor_problems(skeleton)):
        yield model.error("onnx-graph", f"{problem}: export it again", file)


def version_rules(model: Model, file: str, network: ModelProto) -> Iterator[Finding]:
    """Rules on the versions of the file format and of the operator set."""
    if network.ir_version > FORMAT:
        yield model.error(
            "onnx-version", f"IR version {network.ir_version} is newer than {FORMAT}: export an older one", file
        )
    imported = [opset.version for opset in network.opset_import if opset.domain in STANDARD]
    if not network.opset_import:
        yield model.error("onnx-version", "it names no operator set: export it again", file)
    for version in imported:
        if not 1 <= version <= OPSET:
            yield model.error("onnx-version", f"opset {version}: choose one from {OLDEST_OPSET} to {OPSET}", file)
        elif version < OLDEST_OPSET:
            yield model.warning(
                "onnx-version", f"opset {version}: ONNX Runtime promises {OLDEST_OPSET} and newer", file
            )


def operator_rules(model: Model, file: str, network: ModelProto) -> Iterator[Finding]:
    """Rules on operators that no ONNX Runtime has; each is reported once."""
    opsets = {"" if opset.domain in STANDARD else opset.domain: opset.version for opset in network.opset_import}
    own = {(function.domain, function.name) for function in network.functions}
    reported: set[tuple[str, str]] = set()
    for node in all_nodes(network.graph):
        domain = "" if node.domain in STANDARD else node.domain
        name = (domain, node.op_type)
        if name in reported or (node.domain, node.op_type) in own or unknown_operator(domain, node, opsets) is None:
            continue
        reported.add(name)
        yield model.error("onnx-operator", f"{unknown_operator(domain, node, opsets)}: export it without", file)


def unknown_operator(domain: str, node: NodeProto, opsets: dict[str, int]) -> str | None:
    """The reason why ONNX Runtime has no such operator, `None` where it may have it."""
    label = f"operator {domain or 'ai.onnx'}:{node.op_type}"
    if domain not in opsets:
        return f"{label} is of a domain that the file does not import"
    if domain.startswith(CONTRIBUTED):
        return None
    if domain:
        return f"{label} is a custom one, which the server has no library for"
    version = opsets[domain]
    if 1 <= version <= OPSET and not onnx.defs.has(node.op_type, version, domain):
        return f"{label} does not exist in opset {version}"
    return None


def all_nodes(graph: GraphProto) -> Iterator[NodeProto]:
    """Every node, including those of branches and loop bodies."""
    for node in graph.node:
        yield node
        for inner in bodies(node):
            yield from all_nodes(inner)


def bodies(node: NodeProto) -> list[GraphProto]:
    """The graphs inside a node."""
    found = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return found + [graph for attribute in node.attribute for graph in attribute.graphs]


def value_problems(graph: GraphProto, outer: list[set[str]]) -> Iterator[str]:
    """Values with two producers, and used values without one; their order does not matter to ONNX Runtime."""
    known = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    known |= {tensor.values.name for tensor in graph.sparse_initializer}
    made: set[str] = set()
    for name in (name for node in graph.node for name in node.output if name):
        if name in made:
            yield f"value {name!r} is made twice"
        made.add(name)
    known |= made
    scopes = [*outer, known]
    for node in graph.node:
        for name in node.input:
            if name and not any(name in scope for scope in scopes):
                yield f"node {node.name or node.op_type!r} uses {name!r}, which nothing makes"
        for inner in bodies(node):
            yield from value_problems(inner, scopes)
    for value in graph.output:
        if not any(value.name in scope for scope in scopes):
            yield f"output {value.name!r} is made by nothing"


def tensor_problems(skeleton: Skeleton) -> Iterator[str]:
    """Weights whose number of bytes does not fit their shape."""
    for tensor in skeleton.model.graph.initializer:
        if any(dim < 0 for dim in tensor.dims):
            yield f"weights {tensor.name!r} have the shape {shown(list(tensor.dims))}"
            continue
        stored = skeleton.left_out.get(tensor.name, len(tensor.raw_data))
        if stored and not is_external(tensor) and stored != needed_bytes(tensor, stored):
            yield f"weights {tensor.name!r} of shape {shown(list(tensor.dims))} have {stored:,} bytes"


def is_external(tensor: TensorProto) -> bool:
    """Whether a tensor's content is in another file."""
    return bool(tensor.data_location == TensorProto.EXTERNAL)


def needed_bytes(tensor: TensorProto, otherwise: int) -> int:
    """The bytes of a tensor by its type and shape, `otherwise` for a type whose width is not a number of bytes."""
    width = BYTES_OF.get(tensor.data_type)
    return otherwise if width is None else elements(tensor.dims) * width


def external_rules(model: Model, file: str, skeleton: Skeleton) -> Iterator[Finding]:
    """The file of every external tensor lies beside the ONNX file and has enough bytes."""
    for tensor in skeleton.model.graph.initializer:
        found = problem(model, file, tensor) if is_external(tensor) else None
        if found is not None:
            yield model.error("external-data", f"{found}: export it again, or lay its files beside it", file)


def problem(model: Model, file: str, tensor: TensorProto) -> str | None:
    """The reason why ONNX Runtime refuses the data of a tensor, `None` where it does not."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    label = f"weights {tensor.name!r}"
    if not location:
        return f"{label} name no file"
    folder, data = parent(model, file), data_place(model, file, location)
    inside = data.kind == "file" and data.parts[: len(folder)] == folder
    if location.startswith("/") or data.kind == "leaves" or (data.kind == "file" and not inside):
        return f"{label} lie at {location!r}, outside the folder of the ONNX file"
    if data.kind != "file":
        return f"{label} lie in {location!r}, which is no file"
    return size_problem(label, entries, needed_bytes(tensor, -1), data.size)


def parent(model: Model, file: str) -> tuple[str, ...]:
    """The path of the folder of the ONNX file below the repository's root."""
    return model.place(file.rpartition("/")[0]).parts


def data_place(model: Model, file: str, location: str) -> Place:
    """The place of a data file that is named relative to the ONNX file."""
    return model.place(f"{file.rpartition('/')[0]}/{location}")


def size_problem(label: str, entries: dict[str, str], needed: int, file_bytes: int) -> str | None:
    """The reason why the offset and length of a tensor do not fit its shape or file, `None` where they do."""
    texts = {key: entries.get(key, "") for key in ("offset", "length")}
    if not all(text == "" or (text.isdecimal() and text.isascii() and len(text) < 20) for text in texts.values()):
        return f"{label} have offset {texts['offset']!r} and length {texts['length']!r}"
    offset = int(texts["offset"] or 0)
    length = int(texts["length"]) if texts["length"] else max(needed, 0)
    if needed >= 0 and texts["length"] and length != needed:
        return f"{label} need {needed:,} bytes, and length says {length:,}"
    if offset + length > file_bytes:
        return f"{label} end at byte {offset + length:,} of a file of {file_bytes:,}"
    return None
