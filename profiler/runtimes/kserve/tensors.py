"""What a server says of a model's tensors, and whether they are those of the file."""

from collections.abc import Sequence
from dataclasses import dataclass

from tritonclient.grpc import service_pb2

from profiler.common.tensor import Tensor
from profiler.runtimes.kserve.message import FP32


@dataclass(frozen=True)
class ServedTensor:
    """An input or output as the server describes it; an axis that is open is -1."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name!r} {self.datatype} {self.shape}"

    def fits(self, due: Tensor) -> bool:
        """Whether name, type and shape agree; the batch axis, and what either side leaves open, agree with anything."""
        shapes = zip(self.shape[1:], due.shape, strict=False)
        same = len(self.shape) == len(due.shape) + 1 and all(a == b or -1 in (a, b) for a, b in shapes)
        return (self.name, self.datatype) == (due.name, FP32) and same


@dataclass(frozen=True)
class ServedModel:
    """A model by its tensors, of which some servers tell nothing."""

    inputs: list[ServedTensor]
    outputs: list[ServedTensor]

    def differs(self, source: Tensor, sink: Tensor) -> str | None:
        """What is served and what is due where they differ; a server that describes nothing is taken at its answers."""
        outputs = [one for one in self.outputs if one.name == sink.name] or self.outputs
        for found, due in ((self.inputs, source), (outputs, sink)):
            if found and not (len(found) == 1 and found[0].fits(due)):
                return f"{', '.join(map(str, found))} where {ServedTensor(due.name, FP32, (-1, *due.shape))} is due"
        return None


def described(metadata: service_pb2.ModelMetadataResponse) -> ServedModel:
    """From the protocol's message."""
    return ServedModel(tensors(metadata.inputs), tensors(metadata.outputs))


def tensors(metadata: Sequence[service_pb2.ModelMetadataResponse.TensorMetadata]) -> list[ServedTensor]:
    return [ServedTensor(one.name, one.datatype, tuple(one.shape)) for one in metadata]
