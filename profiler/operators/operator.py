"""An operator at one place of a network (a convolution, matrix product or normalisation), and its kernel time."""

from typing import Literal, Self

from pydantic import Field, model_validator

from profiler.records.base import Value

Precision = Literal["fp32", "int8"]


class Operator(Value):
    """An operator without its numbers of channels; `pads` are in ONNX's order: top, left, bottom, right.

    `height` and `width` are the input's, 1 for a matrix product. A depthwise convolution has a group for each channel.
    A `norm` is a batch normalisation with its ReLU that is not fused into a convolution.
    """

    kind: Literal["convolution", "depthwise", "linear", "norm"]
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = Field(default=1, ge=1)
    height: int = Field(default=1, ge=1)
    width: int = Field(default=1, ge=1)

    def __str__(self) -> str:
        if self.kind == "linear":
            return self.kind
        if self.kind == "norm":
            return f"norm on {self.height}×{self.width}"
        (rows, columns), stride = self.kernel, max(self.stride)
        groups = f" in {self.groups} groups" if self.groups > 1 else ""
        dilated = f" dilated by {max(self.dilation)}" if max(self.dilation) > 1 else ""
        return f"{self.kind} {rows}×{columns}/{stride}{dilated}{groups} on {self.height}×{self.width}"

    @property
    def pixels(self) -> int:
        """The number of output pixels in each channel of an image."""
        top, left, bottom, right = self.pads
        rows = (self.height + top + bottom - self.dilation[0] * (self.kernel[0] - 1) - 1) // self.stride[0] + 1
        columns = (self.width + left + right - self.dilation[1] * (self.kernel[1] - 1) - 1) // self.stride[1] + 1
        return rows * columns

    @property
    def keeps_width(self) -> bool:
        """Whether the operator always has as many output as input channels."""
        return self.kind in ("depthwise", "norm")

    def groups_of(self, in_channels: int) -> int:
        """The groups of the convolution with this number of input channels."""
        return in_channels if self.kind == "depthwise" else self.groups


class OperatorPoint(Value):
    """The least time of the kernel for a batch in `runs` runs of distant `passes`, in µs: disturbances only add to it.

    `layout_us` is the additional time of the changes of layout.
    """

    operator: Operator
    in_channels: int = Field(ge=1)
    out_channels: int = Field(ge=1)
    us: float = Field(gt=0)
    layout_us: float = Field(ge=0)
    runs: int = Field(ge=1)
    passes: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def of_one_width(self) -> Self:
        """The point itself; raises `ValueError` where an operator that keeps its width has two widths."""
        if self.operator.keeps_width and self.in_channels != self.out_channels:
            raise ValueError(f"{self.operator} has {self.in_channels} channels before and {self.out_channels} after it")
        return self

    @property
    def place(self) -> "Place":
        """The operator with its input and output channels."""
        return self.operator, self.in_channels, self.out_channels

    def with_pass(self, other: Self) -> Self:
        """The two measurements of one place as one point."""
        return self.model_copy(
            update={
                "us": min(self.us, other.us),
                "layout_us": min(self.layout_us, other.layout_us),
                "runs": self.runs + other.runs,
                "passes": self.passes + other.passes,
            }
        )


# An operator with its input and output channels.
Place = tuple[Operator, int, int]
