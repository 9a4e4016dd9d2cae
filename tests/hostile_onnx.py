"""ONNX files that ask for what no network needs."""

from pathlib import Path

from onnx import FunctionProto, GraphProto, NodeProto, OperatorSetIdProto, TensorProto, helper, save

OPSET = [helper.make_opsetid("", 20)]
Shape = list[str | int | None]
PICTURE: Shape = ["batch", 3]


def write(
    path: Path,
    nodes: list[NodeProto],
    source: Shape | None = PICTURE,
    sink: Shape | None = PICTURE,
    tensors: list[TensorProto] | None = None,
    functions: list[FunctionProto] | None = None,
    opsets: list[OperatorSetIdProto] | None = None,
) -> Path:
    """A graph from `x` to `y`; a shape that is `None` is not said."""
    graph = helper.make_graph(
        nodes,
        "hostile",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, source)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, sink)],
        tensors or [],
    )
    model = helper.make_model(graph, opset_imports=opsets or OPSET, ir_version=10, functions=functions or [])
    save(model, path)
    return path


def number(name: str, value: int) -> TensorProto:
    return helper.make_tensor(name, TensorProto.INT64, [], [value])


def body() -> GraphProto:
    """Adds one, and goes on."""
    return helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["v", "one"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, None),
        ],
        [helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])],
    )


def endless(path: Path) -> Path:
    """A loop of 10^15 turns."""
    loop = helper.make_node("Loop", ["turns", "", "x"], ["y"], body=body())
    return write(path, [loop], tensors=[number("turns", 10**15)])


def endless_from(path: Path, batch: int) -> Path:
    """A loop that ends at once for a smaller batch, and else does not end."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], end=1),
        helper.make_node("Squeeze", ["shape"], ["size"]),
        helper.make_node("Div", ["size", "from"], ["reached"]),
        helper.make_node("Mul", ["reached", "turns"], ["times"]),
        helper.make_node("Loop", ["times", "", "x"], ["y"], body=body()),
    ]
    return write(path, nodes, tensors=[number("from", batch), number("turns", 10**15)])


def doubling(path: Path) -> Path:
    """40 functions that each call the one before twice."""
    functions = []
    for level in range(40):
        called, domain = ("Neg", "") if level == 0 else (f"f{level - 1}", "mine")
        nodes = [helper.make_node(called, [a], [b], domain=domain) for a, b in (("a", "b"), ("b", "c"))]
        opsets = [*OPSET, helper.make_opsetid("mine", 1)]
        functions.append(helper.make_function("mine", f"f{level}", ["a"], ["c"], nodes, opsets))
    call = helper.make_node("f39", ["x"], ["y"], domain="mine")
    return write(path, [call], functions=functions, opsets=[*OPSET, helper.make_opsetid("mine", 1)])


def huge(path: Path) -> Path:
    """10^10 elements on the way, from a shape that only running tells."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], end=1),
        helper.make_node("Mul", ["shape", "large"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"]),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    return write(path, nodes, tensors=[helper.make_tensor("large", TensorProto.INT64, [1], [10**10])])


def many_nodes(path: Path, count: int = 200_000) -> Path:
    nodes = [
        helper.make_node("Neg", ["x" if i == 0 else f"t{i}"], ["y" if i == count - 1 else f"t{i + 1}"])
        for i in range(count)
    ]
    return write(path, nodes)


def not_a_number(path: Path) -> Path:
    nodes = [helper.make_node("Sub", ["x", "x"], ["zero"]), helper.make_node("Div", ["zero", "zero"], ["y"])]
    return write(path, nodes)


def shaped(path: Path, source: Shape | None, sink: Shape | None = None) -> Path:
    return write(path, [helper.make_node("Identity", ["x"], ["y"])], source, source if sink is None else sink)


def foreign_operators(path: Path) -> Path:
    """No operators of ONNX's own."""
    gelu = helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")
    return write(path, [gelu], opsets=[helper.make_opsetid("com.microsoft", 1)])


def external(path: Path) -> Path:
    """A weight inside a node that lies in another file."""
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="passwd")
    return write(
        path, [helper.make_node("Constant", [], ["c"], value=tensor), helper.make_node("Add", ["x", "c"], ["y"])]
    )


def exploding(path: Path, sizes: list[NodeProto]) -> Path:
    """So many zeros on the way as the nodes make of the batch `n`, and the numbers `one`, `two`, `large`."""
    nodes = [
        helper.make_node("Shape", ["x"], ["n"], end=1),
        *sizes,
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    numbers = {"one": 1, "two": 2, "twelve": 12, "large": 10**10}
    tensors = [helper.make_tensor(name, TensorProto.INT64, [1], [value]) for name, value in numbers.items()]
    return write(path, nodes, tensors=tensors)


def exploding_as_counted(path: Path) -> Path:
    """(n - 1)(n - 2) · 10^10 zeros: none for the first two batches."""
    return exploding(
        path,
        [
            helper.make_node("Sub", ["n", "one"], ["a"]),
            helper.make_node("Sub", ["n", "two"], ["b"]),
            helper.make_node("Mul", ["a", "b"], ["c"]),
            helper.make_node("Mul", ["c", "large"], ["size"]),
        ],
    )


def exploding_as_run(path: Path) -> Path:
    """10^10 zeros from a batch of 12 on, by an operator whose result no count follows."""
    return exploding(
        path, [helper.make_node("Div", ["n", "twelve"], ["a"]), helper.make_node("Mul", ["a", "large"], ["size"])]
    )


def exploding_where_casts_wrap(path: Path) -> Path:
    """2 - n zeros, which is 4,294,967,295 for 3 as an unsigned integer of 32 bits; none too few to count for 2."""
    return exploding(
        path,
        [
            helper.make_node("Sub", ["two", "n"], ["a"]),
            helper.make_node("Cast", ["a"], ["b"], to=TensorProto.UINT32),
            helper.make_node("Cast", ["b"], ["c"], to=TensorProto.INT64),
            # Whoever takes it for -1 counts none.
            helper.make_node("Add", ["c", "one"], ["size"]),
        ],
    )


def quadratic(path: Path) -> Path:
    """A batch whose similarities among each other are small."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["s"]),
        helper.make_node("MatMul", ["s", "x"], ["y"]),
    ]
    return write(path, nodes)


def exploding_in_a_table(path: Path, power: int) -> Path:
    """The batch's power of zeros by a row of a table of numbers, which is one to who takes the table for a list."""
    nodes = [
        helper.make_node("Shape", ["x"], ["n1"], end=1),
        *(helper.make_node("Mul", ["n1", f"n{by}"], [f"n{by + 1}"]) for by in range(1, power)),
        helper.make_node("Concat", ["one", f"n{power}"], ["row"], axis=0),
        helper.make_node("Unsqueeze", ["row", "zero"], ["table"]),
        helper.make_node("Gather", ["table", "first"], ["size"], axis=0),
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    numbers = [helper.make_tensor(name, TensorProto.INT64, [1], [value]) for name, value in (("one", 1), ("zero", 0))]
    return write(path, nodes, tensors=[*numbers, helper.make_tensor("first", TensorProto.INT64, [], [0])])


def exploding_inside_an_operator(path: Path) -> Path:
    """One number by a product of six matrices of a batch by a batch, none of whose axes is summed before the end."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["s"]),
        helper.make_node("Einsum", ["s"] * 6, ["sum"], equation="ab,cd,ef,bc,de,fa->"),
        helper.make_node("Mul", ["sum", "none"], ["nothing"]),
        helper.make_node("Add", ["x", "nothing"], ["y"]),
    ]
    return write(path, nodes, tensors=[helper.make_tensor("none", TensorProto.FLOAT, [], [0.0])])
