"""Rules by which ONNX Runtime refuses an ONNX file, checked without reading the weights."""

from collections.abc import Iterator
from itertools import chain

import onnx
from onnx import GraphProto, ModelProto, NodeProto

from profiler.triton.lint.model import Finding, Model
from profiler.triton.lint.rules_weights import tensor_problems
from profiler.triton.lint.skeleton import Skeleton

STANDARD = ("", "ai.onnx")
# The newest versions that the server's ONNX Runtime, 1.31, reads.
OPSET, FORMAT = 26, 13
# ONNX Runtime does not guarantee older operator sets.
OLDEST_OPSET = 7
CONTRIBUTED = ("com.microsoft", "com.ms.", "ai.onnx.", "org.pytorch.aten")


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
        yield model.error("onnx-version", f"IR version {network.ir_version}: choose one up to {FORMAT}", file)
    imported = [opset.version for opset in network.opset_import if opset.domain in STANDARD]
    if not network.opset_import:
        yield model.error("onnx-version", "it names no operator set: export it again", file)
    for version in imported:
        if not 1 <= version <= OPSET:
            yield model.error("onnx-version", f"opset {version}: choose one from {OLDEST_OPSET} to {OPSET}", file)
        elif version < OLDEST_OPSET:
            yield model.warning(
                "onnx-version", f"opset {version}: ONNX Runtime supports {OLDEST_OPSET} and newer", file
            )


def operator_rules(model: Model, file: str, network: ModelProto) -> Iterator[Finding]:
    """Rules on operators that no ONNX Runtime has; each is reported once."""
    opsets = {"" if opset.domain in STANDARD else opset.domain: opset.version for opset in network.opset_import}
    own = {(function.domain, function.name) for function in network.functions}
    reported: set[tuple[str, str]] = set()
    for node in all_nodes(network.graph):
        domain = "" if node.domain in STANDARD else node.domain
        name = (domain, node.op_type)
        reason = unknown_operator(domain, node, opsets)
        if name in reported or (node.domain, node.op_type) in own or reason is None:
            continue
        reported.add(name)
        yield model.error("onnx-operator", f"{reason}: export it without", file)


def unknown_operator(domain: str, node: NodeProto, opsets: dict[str, int]) -> str | None:
    """The reason why ONNX Runtime has no such operator, `None` where it may have it."""
    label = f"operator {domain or 'ai.onnx'}:{node.op_type}"
    if domain not in opsets:
        return f"{label} is of a domain that the file does not import"
    if domain.startswith(CONTRIBUTED):
        return None
    if domain:
        return f"{label} is a custom one, for which the server has no library"
    version = opsets[domain]
    if 1 <= version <= OPSET and not onnx.defs.has(node.op_type, version, domain):
        return f"{label} does not exist in opset {version}"
    return None


def all_nodes(graph: GraphProto) -> Iterator[NodeProto]:
    """Every node, including those of branches and loop bodies."""
    for node in graph.node:
        yield node
        for inner in nested_graphs(node):
            yield from all_nodes(inner)


def nested_graphs(node: NodeProto) -> list[GraphProto]:
    """The graphs inside a node."""
    found = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return found + [graph for attribute in node.attribute for graph in attribute.graphs]


def value_problems(graph: GraphProto, outer: list[set[str]]) -> Iterator[str]:
    """Values with two producers, and used values without one; their order does not matter to ONNX Runtime."""
    known = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    known |= {tensor.values.name for tensor in graph.sparse_initializer}
    produced: set[str] = set()
    for name in (name for node in graph.node for name in node.output if name):
        if name in produced:
            yield f"value {name!r} has two producers"
        produced.add(name)
    known |= produced
    scopes = [*outer, known]
    for node in graph.node:
        for name in node.input:
            if name and not any(name in scope for scope in scopes):
                yield f"node {node.name or node.op_type!r} uses {name!r}, which no node produces"
        for inner in nested_graphs(node):
            yield from value_problems(inner, scopes)
    for value in graph.output:
        if not any(value.name in scope for scope in scopes):
            yield f"output {value.name!r} has no producer"
