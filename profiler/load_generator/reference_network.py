"""A network of our own, the same everywhere: the references run it, and contention is measured beside it."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIZE, CLASSES = 32, 256
# Input channels, output channels and stride of each 3×3 convolution: large pictures with few channels, then small
# ones with so many that their weights do not fit the core's own cache, as in the networks that are measured.
LAYERS = ((3, 32, 1), (32, 32, 1), (32, 32, 1), (32, 32, 1), (32, CLASSES, 8), (CLASSES, CLASSES, 1))
SEED = 0


def write_reference(path: Path) -> None:
    """The network as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(reference_network())


def reference_network() -> bytes:
    """Convolutions and a mean over the picture: (N, 3, 32, 32) to (N, 256), about 1 ms on a core."""
    generator = np.random.default_rng(SEED)
    tensors, nodes, last = {}, [], "input"
    for layer, (before, after, stride) in enumerate(LAYERS):
        # Scaled so that values neither vanish nor explode from layer to layer (He et al. 2015, eq. 10).
        tensors[f"w{layer}"] = generator.standard_normal((after, before, 3, 3)) * np.sqrt(2 / (9 * before))
        nodes.append(
            helper.make_node("Conv", [last, f"w{layer}"], [f"c{layer}"], pads=[1, 1, 1, 1], strides=[stride, stride])
        )
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]))
        last = f"r{layer}"
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["output"]))
    graph = helper.make_graph(
        nodes,
        "reference",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", CLASSES])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return bytes(model.SerializeToString())
