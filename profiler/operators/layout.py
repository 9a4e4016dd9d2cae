"""How many channels ONNX Runtime keeps side by side in its blocked layout (NCHWc).

Convolutions of whole blocks hand their pictures on as they lie; others change the layout before and behind them,
and what adds or concatenates their results cannot be blocked either.
"""

import onnx
import onnxruntime as ort

from profiler.common.scratch import scratch
from profiler.operators.model import operator_model
from profiler.operators.operator import Operator, Precision

# Enough channels for any block, and a single filter, which is padded to one.
CHANNELS = 64
LONE_FILTER = (Operator(kind="convolution", kernel=(3, 3), height=8, width=8), CHANNELS, 1)


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
