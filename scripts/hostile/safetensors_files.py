"""Hostile safetensors files."""

import json
import struct
from typing import Any

from hostile.door import Inputs, Put, inside
from hostile.values import DIRTY


def header(text: str, length: int | None = None, data: bytes = bytes(64)) -> Put:
    raw = text.encode()
    size = struct.pack("<Q", (len(raw) if length is None else length) % (1 << 64))
    return lambda case: inside(case, "weights.safetensors").write_bytes(size + raw + data)


def tensor(**changes: Any) -> str:
    return json.dumps({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} | changes})


LENGTHS = (2**63, 2**64 - 1, -1, 10**12, 10**8, 0, 1)
TEXTS = {
    "no JSON": "weights",
    "a list": "[]",
    "deep": "[" * 100_000,
    "two of a name": '{"a":1,"a":2}',
    "numbers": '{"a":7}',
    "unknown type": tensor(dtype="EVIL"),
    "negative shape": tensor(shape=[-4]),
    "huge shape": tensor(shape=[2**62, 4]),
    "another shape": tensor(shape=[5]),
    "offsets beyond the end": tensor(data_offsets=[0, 10**15]),
    "offsets backwards": tensor(data_offsets=[16, 0]),
    "offsets of text": tensor(data_offsets=["a", "b"]),
    "10^5 axes": tensor(shape=[1] * 100_000),
    "metadata": '{"__metadata__": {"a": "' + "x" * 10**7 + '"}}',
    "10^5 tensors": json.dumps(
        {f"w{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(100_000)}
    ),
    **{
        f"names: {name}": json.dumps({text[:1000]: {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}})
        for name, text in DIRTY.items()
    },
}


def inputs() -> Inputs:
    for length in LENGTHS:
        yield f"safetensors: header of length {length}", header(tensor(), length)
    for name, text in TEXTS.items():
        yield f"safetensors: {name}", header(text)
