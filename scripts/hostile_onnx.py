"""Hostile ONNX files."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hostile_door import RAN, UNTRACKED, Door, Put, inside, profiler, words
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from watched_commands import SUPPORT

FLOAT = TensorProto.FLOAT
INPUT, OUTPUT = ["batch", 1, 8, 8], ["batch", 3]
DIRTY = {
    "ANSI": "a\x1b[31m\x1b]0;x\x07",
    "RTL": "a\u202eb\u2066c",
    "lines": "a\nb\rc",
    "long": "x" * 1_000_000,
    "markup": "[/x][link=file:///etc/passwd]a[/link]",
    "shell": f"$(touch {RAN})",
}
MAKE_AND_MEASURE = {
    "import": words("stage=import", "model={case}/in/model.onnx", "datamodule=none", UNTRACKED, "workspace={case}/ws"),
    "profiler": profiler("in/model.onnx"),
    "lint": words("lint", "{case}/in/models"),
}
CONFIG = """backend: "onnxruntime" max_batch_size: 8 input { name: "input" data_type: TYPE_FP32 dims: [1, 8, 8] }
output { name: "logits" data_type: TYPE_FP32 dims: [3] } default_model_filename: "model.onnx" """
door = Door("ONNX file", lambda case: laid(case, good_bytes()), MAKE_AND_MEASURE, parts=("box",))


def laid(case: Path, data: bytes) -> None:
    """As a file, and as a model of a Triton repository."""
    path = inside(case, "model.onnx")
    path.write_bytes(data)
    copy = inside(case, "models", "m", "1", "model.onnx")
    copy.hardlink_to(path)
    inside(case, "models", "m", "config.pbtxt").write_text(CONFIG)


def good_bytes() -> bytes:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path: Path = SUPPORT.write_network(Path(folder) / "model.onnx")
        return path.read_bytes()


def good() -> ModelProto:
    model = ModelProto()
    model.ParseFromString(good_bytes())
    return model


def changed(change: Callable[[ModelProto], object]) -> Put:
    """The good file after a change."""

    def put(case: Path) -> None:
        model = good()
        change(model)
        laid(case, model.SerializeToString())

    return put


def graph_of(
    nodes: Sequence[NodeProto],
    tensors: Sequence[TensorProto] = (),
    functions: Sequence[Any] = (),
    shape: Sequence[Any] | None = INPUT,
    output: Sequence[Any] | None = OUTPUT,
    opset: int = 20,
) -> Put:
    """A network from `input` to `logits`."""

    def put(case: Path) -> None:
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("input", FLOAT, shape)],
            [helper.make_tensor_value_info("logits", FLOAT, output)],
            list(tensors),
        )
        opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid("mine", 1)] if functions else [])
        model = helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10)
        laid(case, model.SerializeToString())

    return put


def constant(name: str, values: Any, kind: Any = np.int64) -> TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=kind), name)


def shaped(value: ValueInfoProto, dims: Sequence[int | str | None] | None) -> None:
    """Gives a value that shape; `None` is a rank that nobody knows."""
    tensor = value.type.tensor_type
    tensor.ClearField("shape")
    if dims is not None:
        tensor.shape.SetInParent()
    for size in dims or []:
        axis = tensor.shape.dim.add()
        if isinstance(size, int):
            axis.dim_value = size
        elif isinstance(size, str):
            axis.dim_param = size


def add_shapes() -> None:
    sizes = {"0": 0, "-1": -1, "2^31-1": 2**31 - 1, "2^31": 2**31, "2^62": 2**62, "2^63-1": 2**63 - 1}
    shapes: dict[str, list[int | str | None] | None] = {
        "unknown rank": None,
        "rank 0": [],
        "rank 1": ["n"],
        "rank 2": ["n", 3],
        "rank 3": ["n", 1, 8],
        "rank 5": [1] * 5,
        "rank 9": ["n", *[1] * 8],
        "10^5 axes": [1] * 100_000,
        "all open": ["a", "b", "c", "d"],
        "no name": [None] * 4,
        "batch of 0": [0, 1, 8, 8],
        "batch of 7": [7, 1, 8, 8],
        "the same name": ["n"] * 4,
        **{f"batch {name}": [size, 1, 8, 8] for name, size in sizes.items()},
        **{f"channels {name}": ["n", size, 8, 8] for name, size in sizes.items()},
        **{f"side {name}": ["n", 1, 8, size] for name, size in sizes.items()},
    }
    for name, shape in shapes.items():
        door.add(f"input: {name}", changed(lambda model, shape=shape: shaped(model.graph.input[0], shape)))
        door.add(f"output: {name}", changed(lambda model, shape=shape: shaped(model.graph.output[0], shape)))


def add_types() -> None:
    def typed(place: str, kind: int) -> Put:
        def change(model: ModelProto) -> None:
            getattr(model.graph, place)[0].type.tensor_type.elem_type = kind

        return changed(change)

    for kind in (0, 2, 3, 7, 8, 9, 10, 11, 14, 16, 22, 99):
        door.add(f"input of type {kind}", typed("input", kind))
        door.add(f"output of type {kind}", typed("output", kind))
    for name in ("sequence_type", "optional_type", "map_type", "sparse_tensor_type"):

        def change(model: ModelProto, name: str = name) -> None:
            model.graph.input[0].type.Clear()
            getattr(model.graph.input[0].type, name).SetInParent()

        door.add(f"input a {name}", changed(change))


def body(nodes: Sequence[NodeProto]) -> GraphProto:
    """Of a loop that carries one tensor."""
    values = helper.make_tensor_value_info
    return helper.make_graph(
        list(nodes),
        "body",
        [values("i", TensorProto.INT64, []), values("c", TensorProto.BOOL, []), values("x", FLOAT, None)],
        [values("c2", TensorProto.BOOL, []), values("y", FLOAT, None)],
    )


HEAD = [helper.make_node("Flatten", ["input"], ["flat"]), helper.make_node("Slice", ["flat", "s", "e", "a"], ["x0"])]
ENDS = [constant("s", [0]), constant("e", [3]), constant("a", [1])]


def add_endless() -> None:
    plus = [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Add", ["x", "x"], ["y"])]
    grows = [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Concat", ["x", "x"], ["y"], axis=1)]
    for name, inner in (("adds", plus), ("doubles its tensor", grows)):
        for turns in (10**6 if name == "adds" else 60, 10**12, 10**15, 2**63 - 1):
            loop = helper.make_node("Loop", ["m", "t", "x0"], ["logits"], body=body(inner))
            tensors = [*ENDS, constant("m", turns), constant("t", True, np.bool_)]
            door.add(f"loop of {turns} that {name}", graph_of([*HEAD, loop], tensors))
    nested = [
        helper.make_node("Identity", ["c"], ["c2"]),
        helper.make_node(
            "Loop",
            ["m", "t", "x"],
            ["y"],
            body=helper.make_graph(
                [helper.make_node("Identity", ["c_"], ["c3"]), helper.make_node("Add", ["x_", "x_"], ["y_"])],
                "inner",
                [
                    helper.make_tensor_value_info("i_", TensorProto.INT64, []),
                    helper.make_tensor_value_info("c_", TensorProto.BOOL, []),
                    helper.make_tensor_value_info("x_", FLOAT, None),
                ],
                [
                    helper.make_tensor_value_info("c3", TensorProto.BOOL, []),
                    helper.make_tensor_value_info("y_", FLOAT, None),
                ],
            ),
        ),
    ]
    loop = helper.make_node("Loop", ["m", "t", "x0"], ["logits"], body=body(nested))
    door.add("loop in a loop", graph_of([*HEAD, loop], [*ENDS, constant("m", 10**8), constant("t", True, np.bool_)]))
    loop = helper.make_node("Loop", ["", "t", "x0"], ["logits"], body=body(plus))
    door.add("loop without a number of turns", graph_of([*HEAD, loop], [*ENDS, constant("t", True, np.bool_)]))
    for depth in (20, 40, 200):
        door.add(
            f"{depth} functions, each twice the one before",
            graph_of([*HEAD, helper.make_node(f"F{depth}", ["x0"], ["logits"], domain="mine")], ENDS, doubling(depth)),
        )
    for name, calls in (("itself", ["F1"]), ("each other", ["F2", "F1"])):
        functions = [
            helper.make_function(
                "mine",
                f"F{index + 1}",
                ["x"],
                ["y"],
                [helper.make_node(other, ["x"], ["y"], domain="mine")],
                [helper.make_opsetid("mine", 1)],
            )
            for index, other in enumerate(calls)
        ]
        door.add(
            f"function that calls {name}",
            graph_of([*HEAD, helper.make_node("F1", ["x0"], ["logits"], domain="mine")], ENDS, functions),
        )


def doubling(depth: int) -> list[Any]:
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("mine", 1)]
    found = [helper.make_function("mine", "F0", ["x"], ["y"], [helper.make_node("Neg", ["x"], ["y"])], opsets)]
    for index in range(1, depth + 1):
        calls = [helper.make_node(f"F{index - 1}", [a], [b], domain="mine") for a, b in (("x", "z"), ("z", "y"))]
        found.append(helper.make_function("mine", f"F{index}", ["x"], ["y"], calls, opsets))
    return found


def add_gluttons() -> None:
    """Small files that take much memory or time when they are run."""
    tail = [
        helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x0", "sum"], ["logits"]),
    ]
    many = [10**9, 10**10, 10**12, 2**62]
    for count in many:
        fill = helper.make_node("ConstantOfShape", ["n"], ["big"])
        door.add(f"ConstantOfShape of {count}", graph_of([*HEAD, fill, *tail], [*ENDS, constant("n", [count])]))
        wide = helper.make_node("Expand", ["one", "n"], ["big"])
        tensors = [*ENDS, constant("n", [count]), constant("one", [1], np.float32)]
        door.add(f"Expand to {count}", graph_of([*HEAD, wide, *tail], tensors))
        tiled = helper.make_node("Tile", ["one", "n"], ["big"])
        door.add(f"Tile of {count}", graph_of([*HEAD, tiled, *tail], tensors))
    for name, node, tensors in (
        (
            "Range",
            helper.make_node("Range", ["r0", "r1", "r2"], ["big"]),
            [constant("r0", 0, np.float32), constant("r1", 1e12, np.float32), constant("r2", 1, np.float32)],
        ),
        (
            "Pad",
            helper.make_node("Pad", ["one", "p"], ["big"]),
            [constant("one", [1], np.float32), constant("p", [10**10, 10**10])],
        ),
        (
            "Resize",
            helper.make_node("Resize", ["pic", "", "scales"], ["big"]),
            [constant("pic", np.ones((1, 1, 8, 8)), np.float32), constant("scales", [1, 1, 1e5, 1e5], np.float32)],
        ),
        ("RandomNormal", helper.make_node("RandomNormal", [], ["big"], shape=[10**10]), []),
        (
            "MatMul",
            helper.make_node("MatMul", ["column", "row"], ["big"]),
            [constant("column", np.ones((200_000, 1)), np.float32), constant("row", np.ones((1, 200_000)), np.float32)],
        ),
        (
            "OneHot",
            helper.make_node("OneHot", ["i", "depth", "v"], ["big"]),
            [constant("i", [1]), constant("depth", [10**11]), constant("v", [0, 1], np.float32)],
        ),
        (
            "convolutions that take long",
            helper.make_node("Conv", ["pic", "k"], ["big"], pads=[20_000] * 4),
            [constant("pic", np.ones((1, 1, 8, 8)), np.float32), constant("k", np.ones((1, 1, 301, 301)), np.float32)],
        ),
    ):
        door.add(f"glutton: {name}", graph_of([*HEAD, node, *tail], [*ENDS, *tensors]))


def add_weights() -> None:
    def weight(change: Callable[[TensorProto], object]) -> Put:
        return changed(lambda model: change(model.graph.initializer[0]))

    def external(location: str, offset: str = "0", length: str = "144") -> Callable[[TensorProto], None]:
        def change(tensor: TensorProto) -> None:
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (("location", location), ("offset", offset), ("length", length)):
                entry = tensor.external_data.add()
                entry.key, entry.value = key, value

        return change

    for location in (
        "../precious/file",
        "/etc/passwd",
        "../../../../../../etc/passwd",
        "weights.bin",
        "",
        "/dev/zero",
        ".",
        "a\nb",
        "\x1b[31m",
        "http://evil.example/w",
        "C:\\x",
    ):
        door.add(f"external data {location!r}", weight(external(location)))
    door.add("external data of negative length", weight(external("model.onnx", "0", "-1")))
    door.add("external data far beyond the end", weight(external("model.onnx", str(2**62), "144")))
    for name, dims in (
        ("10^13", [10**13]),
        ("negative", [-4, 1, 3, 3]),
        ("overflowing", [2**32, 2**32, 2**32]),
        ("too many", [4, 1, 3, 4]),
        ("none", []),
        ("with a zero", [4, 0, 3, 3]),
        ("10^4 axes", [1] * 10_000),
    ):

        def change(tensor: TensorProto, dims: list[int] = dims) -> None:
            del tensor.dims[:]
            tensor.dims.extend(dims)

        door.add(f"weights of dimensions {name}", weight(change))
    add_values(weight)


def add_values(weight: Callable[[Callable[[TensorProto], object]], Put]) -> None:
    for name, value in (("NaN", np.nan), ("infinite", np.inf), ("tiny", 1e-42), ("huge", 3e38)):

        def fill(tensor: TensorProto, value: float = value) -> None:
            tensor.raw_data = np.full(36, value, np.float32).tobytes()

        door.add(f"weights that are {name}", weight(fill))
    for kind in (0, 8, 10, 16, 22, 99):
        door.add(f"weights of type {kind}", weight(lambda tensor, kind=kind: setattr(tensor, "data_type", kind)))


def add_structures() -> None:
    def add(name: str, change: Callable[[ModelProto], object]) -> None:
        door.add(name, changed(change))

    def chain(count: int) -> Put:
        nodes = [helper.make_node("Neg", [f"x{index}"], [f"x{index + 1}"]) for index in range(count)]
        return graph_of([*HEAD, *nodes, helper.make_node("Identity", [f"x{count}"], ["logits"])], ENDS)

    for count in (20_000, 200_000):
        door.add(f"{count} nodes", chain(count))
    door.add(
        "20000 nodes at once",
        graph_of(
            [
                *HEAD,
                *[helper.make_node("Neg", ["x0"], [f"y{index}"]) for index in range(20_000)],
                helper.make_node("Sum", [f"y{index}" for index in range(20_000)], ["logits"]),
            ],
            ENDS,
        ),
    )
    cyclic = [
        helper.make_node("Add", ["x0", "b"], ["a"]),
        helper.make_node("Neg", ["a"], ["b"]),
        helper.make_node("Identity", ["a"], ["logits"]),
    ]
    door.add("a cycle", graph_of([*HEAD, *cyclic], ENDS))
    add("no nodes", lambda model: model.graph.ClearField("node"))
    add("no graph", lambda model: model.ClearField("graph"))
    add("no inputs", lambda model: model.graph.ClearField("input"))
    add("no outputs", lambda model: model.graph.ClearField("output"))
    add("two inputs", lambda model: model.graph.input.append(helper.make_tensor_value_info("more", FLOAT, INPUT)))
    add("two outputs", lambda model: model.graph.output.append(helper.make_tensor_value_info("c0", FLOAT, None)))
    add(
        "10^5 outputs",
        lambda model: model.graph.output.extend(
            helper.make_tensor_value_info(f"o{index}", FLOAT, OUTPUT) for index in range(100_000)
        ),
    )
    add(
        "10^5 weights",
        lambda model: model.graph.initializer.extend(constant(f"u{index}", [1]) for index in range(100_000)),
    )
    add("the same node twice", lambda model: model.graph.node.append(model.graph.node[0]))
    add("the same weights twice", lambda model: model.graph.initializer.append(model.graph.initializer[0]))
    add("the output is the input", lambda model: setattr(model.graph.output[0], "name", "input"))
    add("an output that nobody makes", lambda model: setattr(model.graph.output[0], "name", "nothing"))
    add("a node without outputs", lambda model: model.graph.node[0].ClearField("output"))
    add(
        "backwards",
        lambda model: (lambda nodes: (model.graph.ClearField("node"), model.graph.node.extend(nodes)))(
            list(model.graph.node)[::-1]
        ),
    )
    add("50 MB of words", lambda model: setattr(model, "doc_string", "x" * 50_000_000))
    for version in (-1, 0, 1, 6, 99, 2**31, 2**62):
        add(f"opset {version}", lambda model, version=version: setattr(model.opset_import[0], "version", version))
    for version in (0, 1, 3, 99, 2**62):
        add(f"IR version {version}", lambda model, version=version: setattr(model, "ir_version", version))
    add("no opset", lambda model: model.ClearField("opset_import"))
    add("only another opset", lambda model: setattr(model.opset_import[0], "domain", "evil"))
    for domain in ("evil", "com.microsoft", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.contrib", "\x1b[31m"):
        add(
            f"an operator of {domain!r}",
            lambda model, domain=domain: (
                setattr(model.graph.node[0], "domain", domain),
                model.opset_import.append(helper.make_opsetid(domain, 1)),
            ),
        )
    add_nested_ifs()


def add_nested_ifs() -> None:
    for depth in (10, 30, 100, 1000, 5000):
        door.add(f"{depth} nested branches", lambda case, depth=depth: laid(case, branches(depth)))


def branches(depth: int) -> bytes:
    """A file that no writer makes, as it would have to be read: graphs in nodes in graphs."""
    graph = part(1, part(1, b"input") + part(2, b"logits") + part(4, b"Flatten"))
    for _ in range(depth):
        branch = part(1, b"then_branch") + part(6, graph) + b"\xa0\x01\x05"
        graph = part(1, part(1, b"t") + part(2, b"logits") + part(4, b"If") + part(5, branch))
    model = good()
    plain = part(11, model.graph.input[0].SerializeToString()) + part(12, model.graph.output[0].SerializeToString())
    return b"\x08\x0a" + part(7, graph + plain) + part(8, model.opset_import[0].SerializeToString())


def part(number: int, data: bytes) -> bytes:
    """A field of bytes, as protobuf writes it."""
    size, length = bytearray(), len(data)
    while True:
        size.append(length & 0x7F | (0x80 if length > 0x7F else 0))
        length >>= 7
        if not length:
            return bytes([number << 3 | 2]) + bytes(size) + data


def add_attributes() -> None:
    def of_the_convolution(name: str, values: list[int]) -> Put:
        def change(model: ModelProto) -> None:
            node = model.graph.node[0]
            for one in [one for one in node.attribute if one.name == name]:
                node.attribute.remove(one)
            node.attribute.append(helper.make_attribute(name, values, attr_type=AttributeProto.INTS))

        return changed(change)

    for name in ("pads", "strides", "dilations", "kernel_shape"):
        for values in ([0, 0], [-1, -1], [2**31, 2**31], [2**62] * 4, [1] * 100_000):
            door.add(f"{name} {values[:2]} × {len(values)}", of_the_convolution(name, values))
    for group in (0, -1, 2**62):
        door.add(
            f"group {group}",
            changed(
                lambda model, group=group: model.graph.node[0].attribute.append(helper.make_attribute("group", group))
            ),
        )


def add_names() -> None:
    for name, text in DIRTY.items():

        def renamed(model: ModelProto, text: str = text) -> None:
            model.graph.input[0].name = model.graph.node[0].input[0] = text

        def out(model: ModelProto, text: str = text) -> None:
            model.graph.output[0].name = model.graph.node[-1].output[0] = text

        def axis(model: ModelProto, text: str = text) -> None:
            model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = text

        door.add(f"input's name: {name}", changed(renamed))
        door.add(f"output's name: {name}", changed(out))
        door.add(f"axis' name: {name}", changed(axis))
        for place in ("name", "op_type", "domain"):
            door.add(
                f"node's {place}: {name}",
                changed(lambda model, text=text, place=place: setattr(model.graph.node[0], place, text)),
            )


def add_bytes() -> None:
    chance, data = random.Random(17), good_bytes()
    plain = {
        "empty": b"",
        "text": b"hello\n",
        "zeros": bytes(1 << 20),
        "random": chance.randbytes(1 << 16),
        "zip": b"PK\x05\x06" + bytes(18),
        "pickle": b"\x80\x04c__builtin__\neval\n.",
        "JSON": b"{}",
        "deep groups": b"\x3a\xff\xff\xff\x7f" * 1000,
        "endless number": b"\x08" + b"\xff" * 1000,
    }
    for name, one in plain.items():
        door.add(f"bytes: {name}", lambda case, one=one: laid(case, one))
    for index in range(24):
        start = chance.randrange(len(data))
        piece = chance.randbytes(chance.randrange(1, 12))
        changed_bytes = data[:start] + piece + data[start + len(piece) :]
        door.add(f"bytes changed, {index}", lambda case, one=changed_bytes: laid(case, one))
    for share in (0.1, 0.5, 0.9, 0.999):
        first = data[: int(len(data) * share)]
        door.add(f"the first {share:.1%}", lambda case, one=first: laid(case, one))


for adds in (
    add_shapes,
    add_types,
    add_endless,
    add_gluttons,
    add_weights,
    add_structures,
    add_attributes,
    add_names,
    add_bytes,
):
    adds()
