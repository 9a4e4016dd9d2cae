"""Size and work of a graph, whole and node by node."""

from typing import Self

from pydantic import Field, model_validator

from profiler.records.base import Record


class Work(Record):
    """Parameters and multiply-accumulates for one input; FLOPs are twice the multiply-accumulates."""

    parameters: int = Field(ge=0)
    macs: int | None = Field(ge=0)
    flops: int | None = Field(ge=0)

    @model_validator(mode="after")
    def two_operations_for_each_accumulation(self) -> Self:
        if self.flops != (None if self.macs is None else 2 * self.macs):
            raise ValueError(f"flops {self.flops} are not twice the macs {self.macs}")
        return self


class Complexity(Work):
    """Size and work of the whole graph."""

    file_bytes: int = Field(ge=0)


class Layer(Work):
    """One node that has work or parameters; a tensor that several nodes read counts at the first of them.

    `output_shape` leaves the batch axis out.
    """

    name: str
    operator: str
    output_shape: tuple[int, ...] | None
