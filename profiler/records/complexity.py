"""The facts of a profile that are read, not measured: the size and work of the graph, the machine and the server."""

from typing import Literal, Self

from pydantic import Field, model_validator

from profiler.records.base import Record


class Work(Record):
    """The parameters, and the multiply-accumulates for one input; FLOPs are twice the multiply-accumulates."""

    parameters: int = Field(ge=0)
    macs: int | None = Field(ge=0)
    flops: int | None = Field(ge=0)

    @model_validator(mode="after")
    def two_operations_for_each_accumulation(self) -> Self:
        """The record itself; raises `ValueError` where the FLOPs are not twice the multiply-accumulates."""
        if self.flops != (None if self.macs is None else 2 * self.macs):
            raise ValueError(f"flops {self.flops} are not twice the macs {self.macs}")
        return self


class Complexity(Work):
    """The size and work of the whole graph."""

    file_bytes: int = Field(ge=0)


class Layer(Work):
    """One node with work or parameters; a tensor that several nodes read counts at the first of them.

    `output_shape` leaves the batch axis out.
    """

    name: str
    operator: str
    output_shape: tuple[int, ...] | None


BackendKind = Literal["cpp", "python", "in-process", "unknown"]


class Fingerprint(Record):
    """The machine, the server and the resources of a measurement, without state (clock rate, load) and price."""

    cpu_model: str
    cpu_cores: int
    memory_bytes: int
    gpu_models: list[str]
    system: str
    runtime: str
    runtime_version: str | None
    backend_kind: BackendKind
    onnxruntime_version: str | None
    cores: int
    threads: int
    instances: int
    providers: list[str]
