"""The trial of a TorchScript program: a confined process tries it before any other process loads it.

TorchScript can write files, print and call other machines, so the trial checks that a program only computes, also while
it is loaded. The check refuses every operator that is not known to be harmless, and operators with a string argument,
which may name a file, except for a few whose strings are modes and messages.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from profiler.common.errors import ModelError
from profiler.common.files import sha256
from profiler.confined.parent import judged
from profiler.confined.protocol import TRUST, Finding, Task, trusted
from profiler.runtimes.torch_program import FIX, compiled, load_torch
from profiler.trial.batches import answer_few, check_larger
from profiler.trial.onnx_file import limits

COPIES = 8
MORE_THAN_ARITHMETIC = (
    f"which may do more than compute: it runs as an ONNX file only, unless you trust it and set {TRUST}=1"
)
# The digests of the programs that passed, with the shape of their inputs.
_vetted: set[tuple[str, tuple[int, ...]]] = set()


def vetted(path: Path, shape: tuple[int, ...]) -> str:
    """The sha256 of a program that passed the trial with inputs of this shape; raises `ModelError` for any other."""
    allowed = limits(path, COPIES)
    digest = sha256(path)
    if not trusted() and (digest, shape) not in _vetted:
        judged(path, Task("profiler.trial.torch_file.judge", {"shape": shape}), allowed, FIX)
        _vetted.add((digest, shape))
    return digest


def prepare() -> None:
    """Imports torch before the process is confined."""
    load_torch()
    # This module imports torch, which a plain install does not have.
    from profiler.trial import torch_network

    torch_network.prepare()


def judge(content: bytes, shape: Sequence[int]) -> Finding:
    """The finding about a program; runs in the confined process."""
    from profiler.trial.torch_network import Program

    program, unit = compiled(load_torch(), content, "cpu")
    network = Program(program, tuple(shape))
    took_s = answer_few(network)
    if found := beyond_arithmetic(unit):
        raise ModelError(f"it uses {found}, {MORE_THAN_ARITHMETIC}")
    check_larger(network, took_s)
    return Finding()


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


def beyond_arithmetic(unit: Any) -> str | None:
    """The first operator of a compilation unit that may do more than compute; `None` where there is none."""
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
