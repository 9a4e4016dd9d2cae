"""The check that a TorchScript program only computes: TorchScript can write files, print and call other machines.

The check covers every function of a file, also those that run while the file is loaded. It refuses every operator that
is not known to be harmless. Operators with a string argument are refused too, as a string may name a file, except for a
few whose strings are modes and messages.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

LANGUAGE = {
    "CallFunction", "CallMethod", "Constant", "ConstantChunk", "CreateObject", "DictConstruct", "GetAttr", "If",
    "ListConstruct", "ListUnpack", "Loop", "NumToTensor", "RaiseException", "SetAttr", "TupleConstruct", "TupleIndex",
    "TupleSlice", "TupleUnpack", "Uninitialized", "abs", "data", "device", "dtype", "is_cpu", "is_cuda", "is_nested",
    "is_quantized", "is_sparse", "isinstance", "layout", "max", "min", "rangelist", "requires_grad", "tolist", "type",
    "unchecked_cast", "unchecked_unwrap_optional",
}  # fmt: skip
# The strings of these operators name a mode, are compared, or become the message of an error.
WITH_STRINGS = {
    "__contains__", "__interpolate", "__upsample", "_convolution_mode", "add", "conv1d", "conv2d", "conv3d", "div",
    "div_", "einsum", "eq", "format", "gelu", "gelu_", "len", "meshgrid", "ne", "pad",
}  # fmt: skip
# These operators skip checks that others make, or replace the memory of a tensor.
UNCHECKED = re.compile(r"unsafe|sparse|storage|^set_|^resize|^as_strided_$|^_cuda|^_foreach|^_fused")
STRING = re.compile(r"\bstr\b")


class Unit(Protocol):
    """The compiled functions of a file."""

    def get_functions(self) -> Iterable[Any]:
        """Every function, with its graph."""


def beyond_arithmetic(unit: Unit) -> str | None:
    """The first operator that may do more than compute; `None` where there is none."""
    for function in unit.get_functions():
        for node in all_nodes(function.graph.nodes()):
            if not harmless(node.kind(), node.schema()):
                return str(node.kind())
    return None


def all_nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    """The nodes, and the nodes in their blocks."""
    for node in nodes:
        yield node
        for block in node.blocks():
            yield from all_nodes(block.nodes())


def harmless(kind: str, schema: str) -> bool:
    """Whether an operator of this kind and schema only computes."""
    space, _, name = kind.partition("::")
    if space == "prim":
        return name in LANGUAGE
    takes_string = STRING.search(schema.partition(" -> ")[0]) is not None
    return space == "aten" and not UNCHECKED.search(name) and (not takes_string or name in WITH_STRINGS)
