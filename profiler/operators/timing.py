"""The times of an operator's kernel and of the changes of layout around it, by ONNX Runtime's own clock.

ONNX Runtime's blocked layout (NCHWc) keeps blocks of channels together. Convolutions with whole blocks pass this
layout on; others change it before and after them, and an Add or Concat of their outputs cannot be blocked either. A
network may keep the layout from one convolution to the next, so the two times are separate.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime as ort

from profiler.common.errors import ModelError
from profiler.common.scratch import scratch
from profiler.operators.operator import Operator, OperatorPoint, Place, Precision
from profiler.operators.operator_graph import INPUT, input_shape, operator_model
from profiler.runtimes.kernel_clock import Kernel, clocked_session, kernel_us, optimised_graph

LAYOUT_OPERATORS = {
    "ReorderInput", "ReorderOutput", "Transpose", "Reshape", "QuantizeLinear", "DequantizeLinear", "Cast",
}  # fmt: skip
# Half of the resolution of ONNX Runtime's clock.
LEAST_US = 0.5
FEWEST_RUNS, MOST_RUNS, SECONDS = 3, 20, 0.004
# The time of a session and the speed of a core, for rough estimates.
SESSION_S, MACS_PER_S = 0.006, 20e9
# These channels suffice for any block; the single filter is padded to one block.
CHANNELS = 64
LONE_FILTER = (Operator(kind="convolution", kernel=(3, 3), height=8, width=8), CHANNELS, 1)


def measure_operator(place: Place, batch: int, precision: Precision, threads: int) -> OperatorPoint:
    """The point of one pass over a place; raises `ModelError` where ONNX Runtime reports no kernel times."""
    operator, in_channels, out_channels = place
    generator = np.random.default_rng(0)
    feed = {INPUT: generator.standard_normal((batch, *input_shape(operator, in_channels)), dtype=np.float32)}
    with scratch("kernels") as made:
        session = clocked_session(operator_model(place, precision), threads, made.folder)
        for _ in range(runs_for(place, batch)):
            session.run(None, feed)
        times = kernel_us(session)
    # The first run loads the weights and allocates the result.
    steady, layout = (summed(times, around)[1:] for around in (False, True))
    if not steady or not max(steady):
        raise ModelError(
            f"ONNX Runtime {ort.__version__} reports no kernel time of {operator}: install another version"
        )
    return OperatorPoint(
        operator=operator, in_channels=in_channels, out_channels=out_channels,
        us=max(LEAST_US, min(steady)), layout_us=min(layout, default=0.0), runs=len(steady),
    )  # fmt: skip


def runs_for(place: Place, batch: int) -> int:
    """The number of runs that take some milliseconds together, and the first run, which does not count."""
    return 1 + int(np.clip(SECONDS / run_s(place, batch), FEWEST_RUNS, MOST_RUNS))


def pass_s(place: Place, batch: int) -> float:
    """The expected time of a pass, with the creation of its session."""
    return SESSION_S + runs_for(place, batch) * run_s(place, batch)


def run_s(place: Place, batch: int) -> float:
    """The expected time of a run."""
    operator, in_channels, out_channels = place
    per_pixel = out_channels * in_channels // operator.groups_of(in_channels) * operator.kernel[0] * operator.kernel[1]
    return batch * operator.pixels * per_pixel / MACS_PER_S


def summed(times: Mapping[Kernel, Sequence[int]], around: bool) -> list[float]:
    """The time of every run in the operator's kernels, or in those around it, in µs."""
    chosen = [values for kernel, values in times.items() if (kernel.operator in LAYOUT_OPERATORS) == around]
    return [float(sum(values)) for values in zip(*chosen, strict=True)]


def block(precision: Precision) -> int:
    """The number of channels in a block: 8 with AVX2, 16 with AVX-512, 1 without blocks, as in int8."""
    with scratch("layout") as made:
        clocked_session(operator_model(LONE_FILTER, precision), 1, made.folder)
        graph = optimised_graph(made.folder)
    if not any(node.op_type == "ReorderInput" for node in graph.node):
        return 1
    filters = next(tensor for tensor in graph.initializer if len(tensor.dims) == 4)
    return int(filters.dims[0])
