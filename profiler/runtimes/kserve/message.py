"""The messages of the V2 protocol: inference requests, outputs, and the description of a model's tensors.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto
"""

from dataclasses import dataclass

import numpy as np
from google.protobuf.message import DecodeError
from tritonclient.grpc import service_pb2

from profiler.common.errors import ServerError
from profiler.common.target import Tensor

METHOD = "/inference.GRPCInferenceService/ModelInfer"
FP32 = "FP32"


def request(model: str, input_name: str, images: np.ndarray) -> bytes:
    """A `ModelInferRequest` with one float32 input (N, …)."""
    message = service_pb2.ModelInferRequest(model_name=model)
    message.inputs.add(name=input_name, datatype=FP32, shape=images.shape)
    message.raw_input_contents.append(np.ascontiguousarray(images, "<f4").tobytes())
    return bytes(message.SerializeToString())


def output(message: bytes, name: str) -> np.ndarray:
    """A float32 output (N, …) of a `ModelInferResponse`, read-only; raises `ServerError` where there is none."""
    response = service_pb2.ModelInferResponse()
    try:
        response.ParseFromString(message)
    except DecodeError as error:
        raise ServerError(f"the server answered {len(message)} bytes that are no ModelInferResponse") from error
    kinds = {tensor.name: tensor.datatype for tensor in response.outputs}
    if kinds.get(name) != FP32:
        raise ServerError(f"the server answered {kinds or 'no output'} instead of {name!r} as {FP32}")
    index = list(kinds).index(name)
    shape = tuple(response.outputs[index].shape)
    try:
        values = contents(response, index).reshape(shape)
    except (ValueError, IndexError) as error:
        raise ServerError(f"the server answered {name!r} with shape {shape} and not as many values") from error
    values.flags.writeable = False
    return values


def contents(response: service_pb2.ModelInferResponse, index: int) -> np.ndarray:
    """The values of an output, raw or typed, as one row."""
    if response.raw_output_contents:
        return np.frombuffer(response.raw_output_contents[index], "<f4")
    return np.array(response.outputs[index].contents.fp32_contents, "<f4")


class Outputs:
    """A reader of one output of successive answers, which returns the same array for identical answers."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: tuple[bytes, np.ndarray] | None = None

    def read(self, message: bytes) -> np.ndarray:
        """The float32 output (N, …), read-only; raises `ServerError` where there is none."""
        last = self._last
        if last is None or last[0] != message:
            last = self._last = message, output(message, self._name)
        return last[1]


@dataclass(frozen=True)
class ServedTensor:
    """An input or output as described by the server; an axis of open size is -1."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name!r} {self.datatype} {self.shape}"

    def fits(self, expected: Tensor) -> bool:
        """Whether name, type and shape agree; the batch axis and open axes agree with any size."""
        shapes = zip(self.shape[1:], expected.shape, strict=False)
        same = len(self.shape) == len(expected.shape) + 1 and all(a == b or -1 in (a, b) for a, b in shapes)
        return (self.name, self.datatype) == (expected.name, FP32) and same


def difference(metadata: service_pb2.ModelMetadataResponse, source: Tensor, sink: Tensor) -> str | None:
    """The difference between the served and the expected tensors, `None` where they agree or are not described."""
    inputs, outputs = (
        [ServedTensor(one.name, one.datatype, tuple(one.shape)) for one in tensors]
        for tensors in (metadata.inputs, metadata.outputs)
    )
    outputs = [one for one in outputs if one.name == sink.name] or outputs
    for found, tensor in ((inputs, source), (outputs, sink)):
        if found and not (len(found) == 1 and found[0].fits(tensor)):
            return f"{', '.join(map(str, found))} instead of {ServedTensor(tensor.name, FP32, (-1, *tensor.shape))}"
    return None
