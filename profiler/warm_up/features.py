"""The features of the predictor, all known before a model is loaded."""

import math

from profiler.common.errors import ModelError
from profiler.records.profile import Profile

MIB, FLOAT_BYTES = 2**20, 4


def features(profile: Profile, batch: int) -> dict[str, float]:
    """The size of a network and the work of a batch, in 10⁹ MACs, MiB and 10⁶ parameters.

    The activations are the outputs in fp32 of the layers with work. Some features are products, because a forest cannot
    multiply. Raises `ModelError` where the work or an output shape is unknown.
    """
    size, shapes = profile.complexity, [layer.output_shape for layer in profile.layers]
    if size.macs is None or not shapes or None in shapes:
        raise ModelError("the MACs or the shape of a layer's output are unknown, so its warm-up cannot be predicted")
    activation_mib = FLOAT_BYTES * sum(math.prod(shape) for shape in shapes if shape is not None) / MIB
    return {
        "batch": batch,
        "batch_macs": batch * size.macs / 1e9,
        "batch_activation_bytes": batch * activation_mib,
        "macs": size.macs / 1e9,
        "activation_bytes": activation_mib,
        "parameters": size.parameters / 1e6,
        "layers": len(shapes),
        "file_bytes": size.file_bytes / MIB,
    }
