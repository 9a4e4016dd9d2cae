"""A network's size from what was counted on its graph."""

import math
from collections.abc import Sequence

from profiler.common.errors import ModelError
from profiler.records.complexity import Complexity, Layer
from profiler.records.predictor import NetworkSize

FLOAT_BYTES = 4


def network_size(complexity: Complexity, layers: Sequence[Layer]) -> NetworkSize:
    """As a profile holds both; raises `ModelError` where the graph's work or a layer's output is not known."""
    shapes = [layer.output_shape for layer in layers]
    if complexity.macs is None or None in shapes:
        reasons = {reason for one in (complexity, *layers) for reason in one.reasons.values()}
        raise ModelError(f"the network's size is not known ({', '.join(sorted(reasons))}): its warm-up is not foretold")
    return NetworkSize(
        parameters=complexity.parameters,
        macs=complexity.macs,
        file_bytes=complexity.file_bytes,
        layers=len(layers),
        activation_bytes=FLOAT_BYTES * sum(math.prod(shape) for shape in shapes if shape is not None),
    )
