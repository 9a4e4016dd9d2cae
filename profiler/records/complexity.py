"""Size and work of a graph."""

from typing import Self

from pydantic import Field, model_validator

from profiler.records.base import Record


class Complexity(Record):
    """Size and work of the graph for one input; FLOPs are twice the multiply-accumulates."""

    parameters: int = Field(ge=0)
    macs: int | None = Field(ge=0)
    flops: int | None = Field(ge=0)
    file_bytes: int = Field(ge=0)

    @model_validator(mode="after")
    def two_operations_for_each_accumulation(self) -> Self:
        if self.flops != (None if self.macs is None else 2 * self.macs):
            raise ValueError(f"flops {self.flops} are not twice the macs {self.macs}")
        return self
