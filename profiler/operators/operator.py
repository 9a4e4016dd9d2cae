"""A convolution or matrix product at one place of a network, whatever its widths, and how long it took."""

from typing import Literal, Self

from pydantic import Field, model_validator

from profiler.records.base import Value

Precision = Literal["fp32", "int8"]


class Operator(Value):
    """`height` and `width` are the input's, 1 for a matrix product.

    A depthwise convolution has a group for each channel and is as wide as its input; another one has `groups`.
    """

    kind: Literal["convolution", "depthwise", "linear"]
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    groups: int = Field(default=1, ge=1)
    height: int = Field(default=1, ge=1)
    width: int = Field(default=1, ge=1)

    def __str__(self) -> str:
        if self.kind == "linear":
            return self.kind
        (rows, columns), stride = self.kernel, max(self.stride)
        groups = f" in {self.groups} groups" if self.groups > 1 else ""
        return f"{self.kind} {rows}×{columns}/{stride}{groups} on {self.height}×{self.width}"

    def groups_of(self, in_channels: int) -> int:
        """The groups of the convolution where it has so many input channels."""
        return in_channels if self.kind == "depthwise" else self.groups


class OperatorPoint(Value):
    """The median time that the kernel took for a batch, in µs of a machine at its usual speed."""

    operator: Operator
    in_channels: int = Field(ge=1)
    out_channels: int = Field(ge=1)
    us: float = Field(gt=0)
    runs: int = Field(ge=1)

    @model_validator(mode="after")
    def of_one_width(self) -> Self:
        if self.operator.kind == "depthwise" and self.in_channels != self.out_channels:
            raise ValueError(f"a depthwise convolution has {self.in_channels} channels before and after it")
        return self


# An operator with its input and output channels.
Place = tuple[Operator, int, int]
