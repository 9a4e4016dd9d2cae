"""The measured time of each layer of the served file."""

from typing import ClassVar

from pydantic import Field

from profiler.records.base import Count, Timed, Value


class LayerTime(Value):
    """One node of the graph that ONNX Runtime computes, after its fusions, with its time for one batch.

    `layers` names the nodes of the file with work or parameters that it computes; a node that the runtime added has
    none. `depthwise`: one of them is a depthwise convolution. `blocked`: it works in the blocked layout (NCHWc).
    """

    name: str
    operator: str
    layers: tuple[str, ...]
    depthwise: bool
    blocked: bool
    us: float = Field(ge=0)


class LayerTimes(Timed):
    """The time of each layer, in the order of the computation, by ONNX Runtime's own clock in the profiler's process.

    Runs with the clock alternate with runs without it, whose latency is `latency_ms`, and `clocked_ms` with it. The
    clock adds `clock_us` to the time of every node, and `clock_input_us` for each further input of the node. Both are
    measured on nodes without work and left out of the layers' times. `call_ms` is the part of a call outside of the
    nodes, from the same measurement. `sum_share` is the sum of layers and call over the latency; nothing is scaled by
    it. `int8_instructions` are those of the processor.
    """

    identity: ClassVar[tuple[str, ...]] = ("runtime", "batch", "cores", "threads", "instances")
    batch: Count
    n: int = Field(ge=1)
    layers: tuple[LayerTime, ...] = Field(min_length=1)
    operator_us: dict[str, float]
    sum_ms: float = Field(ge=0)
    call_ms: float = Field(ge=0)
    clock_us: float = Field(ge=0)
    clock_input_us: float = Field(ge=0)
    latency_ms: float = Field(gt=0)
    clocked_ms: float = Field(gt=0)
    sum_share: float = Field(gt=0)
    int8_instructions: tuple[str, ...]
