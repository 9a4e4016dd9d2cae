"""Hostile ONNX files: names, and bytes that are no ONNX file."""

import random

from onnx import ModelProto

from hostile.door import Inputs, Put
from hostile.onnx_made import changed, good_bytes, laid
from hostile.values import DIRTY


def names() -> Inputs:
    for name, text in DIRTY.items():

        def renamed(model: ModelProto, text: str = text) -> None:
            model.graph.input[0].name = model.graph.node[0].input[0] = text

        def out(model: ModelProto, text: str = text) -> None:
            model.graph.output[0].name = model.graph.node[-1].output[0] = text

        def axis(model: ModelProto, text: str = text) -> None:
            model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = text

        yield (f"input's name: {name}", changed(renamed))
        yield (f"output's name: {name}", changed(out))
        yield (f"axis' name: {name}", changed(axis))
        for place in ("name", "op_type", "domain"):
            yield (f"node's {place}: {name}", of_the_first_node(place, text))


def of_the_first_node(place: str, text: str) -> Put:
    return changed(lambda model: setattr(model.graph.node[0], place, text))


def bytes_of_any_kind() -> Inputs:
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
        yield (f"bytes: {name}", lambda case, one=one: laid(case, one))
    for index in range(24):
        start = chance.randrange(len(data))
        piece = chance.randbytes(chance.randrange(1, 12))
        changed_bytes = data[:start] + piece + data[start + len(piece) :]
        yield (f"bytes changed, {index}", lambda case, one=changed_bytes: laid(case, one))
    for share in (0.1, 0.5, 0.9, 0.999):
        first = data[: int(len(data) * share)]
        yield (f"the first {share:.1%}", lambda case, one=first: laid(case, one))
