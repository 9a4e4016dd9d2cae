"""Hostile ONNX files: weights."""

from collections.abc import Callable

import numpy as np
from onnx import TensorProto

from hostile.door import Inputs, Put
from hostile.onnx_made import changed

LOCATIONS = (
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
)
DIMENSIONS = {
    "10^13": [10**13],
    "negative": [-4, 1, 3, 3],
    "overflowing": [2**32, 2**32, 2**32],
    "too many": [4, 1, 3, 4],
    "none": [],
    "with a zero": [4, 0, 3, 3],
    "10^4 axes": [1] * 10_000,
}
VALUES = {"NaN": np.nan, "infinite": np.inf, "tiny": 1e-42, "huge": 3e38}
TYPES = (0, 8, 10, 16, 22, 99)


def weight(change: Callable[[TensorProto], object]) -> Put:
    return changed(lambda model: change(model.graph.initializer[0]))


def external(location: str, offset: str = "0", length: str = "144") -> Put:
    def change(tensor: TensorProto) -> None:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", offset), ("length", length)):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value

    return weight(change)


def of_dimensions(dims: list[int]) -> Put:
    def change(tensor: TensorProto) -> None:
        del tensor.dims[:]
        tensor.dims.extend(dims)

    return weight(change)


def filled(value: float) -> Put:
    return weight(lambda tensor: setattr(tensor, "raw_data", np.full(36, value, np.float32).tobytes()))


def of_type(kind: int) -> Put:
    return weight(lambda tensor: setattr(tensor, "data_type", kind))


def inputs() -> Inputs:
    for location in LOCATIONS:
        yield f"external data {location!r}", external(location)
    yield "external data of negative length", external("model.onnx", "0", "-1")
    yield "external data far beyond the end", external("model.onnx", str(2**62), "144")
    for name, dims in DIMENSIONS.items():
        yield f"weights of dimensions {name}", of_dimensions(dims)
    for name, value in VALUES.items():
        yield f"weights that are {name}", filled(value)
    for kind in TYPES:
        yield f"weights of type {kind}", of_type(kind)
