"""The times of an operator's kernel and of the changes of layout around it, by ONNX Runtime's own clock.

ONNX Runtime's blocked layout (NCHWc) keeps blocks of channels together. Convolutions with whole blocks pass this
layout on; others change it before and after them, and an Add or Concat of their outputs cannot be blocked either. A
network may keep the layout from one convolution to the next, so the two times are separate.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from profiler.common.errors import ModelError
from profiler.common.scratch import scratch
from profiler.operators.operator import Operator, OperatorPoint, Place, Precision
from profiler.operators.operator_graph import INPUT, input_shape, operator_model

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
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.enable_profiling, options.profile_file_prefix = True, str(made.folder / "kernels")
        session = ort.InferenceSession(operator_model(place, precision), options, providers=["CPUExecutionProvider"])
        for _ in range(runs_for(place, batch)):
            session.run(None, feed)
        events = json.loads(Path(session.end_profiling()).read_text())
    # The first run loads the weights and allocates the result.
    steady, layout = (kernel_us(events, around)[1:] for around in (False, True))
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


def kernel_us(events: list[dict[str, Any]], around: bool) -> list[float]:
    """The time of every run for the operator's kernels, or for those around it, from ONNX Runtime's profile."""
    kernels: dict[str, list[float]] = {}
    for event in events:
        timed = event["cat"] == "Node" and event["name"].endswith("_kernel_time")
        if timed and (event["args"]["op_name"] in LAYOUT_OPERATORS) == around:
            kernels.setdefault(event["name"], []).append(float(event["dur"]))
    return [sum(times) for times in zip(*kernels.values(), strict=True)]


def block(precision: Precision) -> int:
    """The number of channels in a block: 8 with AVX2, 16 with AVX-512, 1 without blocks, as in int8."""
    with scratch("layout") as made:
        path = made.folder / "optimised.onnx"
        options = ort.SessionOptions()
        options.optimized_model_filepath = str(path)
        # ONNX Runtime warns that such a file is for this processor only.
        options.log_severity_level = 3
        ort.InferenceSession(operator_model(LONE_FILTER, precision), options, providers=["CPUExecutionProvider"])
        graph = onnx.load(path).graph
    if not any(node.op_type == "ReorderInput" for node in graph.node):
        return 1
    filters = next(tensor for tensor in graph.initializer if len(tensor.dims) == 4)
    return int(filters.dims[0])
