"""How long an operator's kernel takes, by ONNX Runtime's own clock, and the changes of layout around it.

A network may keep its layout from one convolution to the next, so that the two are told apart.
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

AROUND = {
    "ReorderInput", "ReorderOutput", "Transpose", "Reshape", "QuantizeLinear", "DequantizeLinear", "Cast",
}  # fmt: skip
# Half of what ONNX Runtime's clock can tell.
LEAST_US = 0.5
FEWEST_RUNS, MOST_RUNS, SECONDS = 3, 20, 0.004
# What a session costs, and what a core does: enough to tell a minute from an hour.
SESSION_S, MACS_PER_S = 0.006, 20e9
# Enough channels for any block, and a single filter, which is padded to one.
CHANNELS = 64
LONE_FILTER = (Operator(kind="convolution", kernel=(3, 3), height=8, width=8), CHANNELS, 1)


def measure_operator(place: Place, batch: int, precision: Precision, threads: int) -> OperatorPoint:
    """One pass over a place; raises `ModelError` where ONNX Runtime does not tell its kernels' times."""
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
    # The first run fetches the weights and makes room for the result.
    steady, layout = (kernel_us(events, around)[1:] for around in (False, True))
    if not steady or not max(steady):
        raise ModelError(f"ONNX Runtime {ort.__version__} tells no kernel time of {operator}: take another version")
    return OperatorPoint(
        operator=operator, in_channels=in_channels, out_channels=out_channels,
        us=max(LEAST_US, min(steady)), layout_us=min(layout, default=0.0), runs=len(steady),
    )  # fmt: skip


def runs_for(place: Place, batch: int) -> int:
    """As many as take some milliseconds, as one of a few µs is only known from many; and the first one."""
    return 1 + int(np.clip(SECONDS / run_s(place, batch), FEWEST_RUNS, MOST_RUNS))


def pass_s(place: Place, batch: int) -> float:
    """How long a pass should take, with the making of its session."""
    return SESSION_S + runs_for(place, batch) * run_s(place, batch)


def run_s(place: Place, batch: int) -> float:
    """How long a run should take."""
    operator, in_channels, out_channels = place
    per_pixel = out_channels * in_channels // operator.groups_of(in_channels) * operator.kernel[0] * operator.kernel[1]
    return batch * operator.pixels * per_pixel / MACS_PER_S


def kernel_us(events: list[dict[str, Any]], around: bool) -> list[float]:
    """The time of every run, of the operator's kernels or of those around it, from ONNX Runtime's profile."""
    kernels: dict[str, list[float]] = {}
    for event in events:
        timed = event["cat"] == "Node" and event["name"].endswith("_kernel_time")
        if timed and (event["args"]["op_name"] in AROUND) == around:
            kernels.setdefault(event["name"], []).append(float(event["dur"]))
    return [sum(times) for times in zip(*kernels.values(), strict=True)]


def block(precision: Precision) -> int:
    """8 with AVX2, 16 with AVX-512; 1 where nothing is blocked, as in int8."""
    with scratch("layout") as made:
        path = made.folder / "optimised.onnx"
        options = ort.SessionOptions()
        options.optimized_model_filepath = str(path)
        # It warns that such a file fits this processor only.
        options.log_severity_level = 3
        ort.InferenceSession(operator_model(LONE_FILTER, precision), options, providers=["CPUExecutionProvider"])
        graph = onnx.load(path).graph
    if not any(node.op_type == "ReorderInput" for node in graph.node):
        return 1
    filters = next(tensor for tensor in graph.initializer if len(tensor.dims) == 4)
    return int(filters.dims[0])
