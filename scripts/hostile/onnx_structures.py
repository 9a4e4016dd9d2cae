"""Hostile ONNX files: graphs that are too large, too deep, or no graphs."""

from onnx import ModelProto, helper

from hostile.door import Inputs, Put
from hostile.onnx_made import ENDS, FLOAT, HEAD, INPUT, OUTPUT, Change, changed, constant, good, graph_of, laid

CYCLE = [
    helper.make_node("Add", ["x0", "b"], ["a"]),
    helper.make_node("Neg", ["a"], ["b"]),
    helper.make_node("Identity", ["a"], ["logits"]),
]
VERSIONS, IR_VERSIONS = (-1, 0, 1, 6, 99, 2**31, 2**62), (0, 1, 3, 99, 2**62)
DOMAINS = ("evil", "com.microsoft", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.contrib", "\x1b[31m")


def of_opset(version: int) -> Change:
    return lambda model: setattr(model.opset_import[0], "version", version)


def of_ir_version(version: int) -> Change:
    return lambda model: setattr(model, "ir_version", version)


def of_domain(domain: str) -> Change:
    def change(model: ModelProto) -> None:
        model.graph.node[0].domain = domain
        model.opset_import.append(helper.make_opsetid(domain, 1))

    return change


CHANGES: dict[str, Change] = {
    "no nodes": lambda model: model.graph.ClearField("node"),
    "no graph": lambda model: model.ClearField("graph"),
    "no inputs": lambda model: model.graph.ClearField("input"),
    "no outputs": lambda model: model.graph.ClearField("output"),
    "two inputs": lambda model: model.graph.input.append(helper.make_tensor_value_info("more", FLOAT, INPUT)),
    "two outputs": lambda model: model.graph.output.append(helper.make_tensor_value_info("c0", FLOAT, None)),
    "10^5 outputs": lambda model: model.graph.output.extend(
        helper.make_tensor_value_info(f"o{index}", FLOAT, OUTPUT) for index in range(100_000)
    ),
    "10^5 weights": lambda model: model.graph.initializer.extend(
        constant(f"u{index}", [1]) for index in range(100_000)
    ),
    "the same node twice": lambda model: model.graph.node.append(model.graph.node[0]),
    "the same weights twice": lambda model: model.graph.initializer.append(model.graph.initializer[0]),
    "the output is the input": lambda model: setattr(model.graph.output[0], "name", "input"),
    "an output without a node": lambda model: setattr(model.graph.output[0], "name", "nothing"),
    "a node without outputs": lambda model: model.graph.node[0].ClearField("output"),
    "backwards": lambda model: backwards(model),  # noqa: PLW0108
    "50 MB of words": lambda model: setattr(model, "doc_string", "x" * 50_000_000),
    **{f"opset {version}": of_opset(version) for version in VERSIONS},
    **{f"IR version {version}": of_ir_version(version) for version in IR_VERSIONS},
    "no opset": lambda model: model.ClearField("opset_import"),
    "only another opset": lambda model: setattr(model.opset_import[0], "domain", "evil"),
    **{f"an operator of {domain!r}": of_domain(domain) for domain in DOMAINS},
}


def backwards(model: ModelProto) -> None:
    nodes = list(model.graph.node)[::-1]
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)


def chain(count: int) -> Put:
    nodes = [helper.make_node("Neg", [f"x{index}"], [f"x{index + 1}"]) for index in range(count)]
    return graph_of([*HEAD, *nodes, helper.make_node("Identity", [f"x{count}"], ["logits"])], ENDS)


def at_once(count: int) -> Put:
    nodes = [helper.make_node("Neg", ["x0"], [f"y{index}"]) for index in range(count)]
    return graph_of([*HEAD, *nodes, helper.make_node("Sum", [f"y{index}" for index in range(count)], ["logits"])], ENDS)


def inputs() -> Inputs:
    for count in (20_000, 200_000):
        yield f"{count} nodes", chain(count)
    yield "20000 nodes at once", at_once(20_000)
    yield "a cycle", graph_of([*HEAD, *CYCLE], ENDS)
    for name, change in CHANGES.items():
        yield name, changed(change)
    for depth in (10, 30, 100, 1000, 5000):
        yield f"{depth} nested branches", lambda case, depth=depth: laid(case, branches(depth))


def branches(depth: int) -> bytes:
    """A file that no writer makes, in the form of a reader: graphs in nodes in graphs."""
    graph = part(1, part(1, b"input") + part(2, b"logits") + part(4, b"Flatten"))
    for _ in range(depth):
        branch = part(1, b"then_branch") + part(6, graph) + b"\xa0\x01\x05"
        graph = part(1, part(1, b"t") + part(2, b"logits") + part(4, b"If") + part(5, branch))
    model = good()
    plain = part(11, model.graph.input[0].SerializeToString()) + part(12, model.graph.output[0].SerializeToString())
    return b"\x08\x0a" + part(7, graph + plain) + part(8, model.opset_import[0].SerializeToString())


def part(number: int, data: bytes) -> bytes:
    """A field of bytes in the form of protobuf."""
    size, length = bytearray(), len(data)
    while True:
        size.append(length & 0x7F | (0x80 if length > 0x7F else 0))
        length >>= 7
        if not length:
            return bytes([number << 3 | 2]) + bytes(size) + data
