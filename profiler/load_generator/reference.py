"""A network of our own that is called beside the measured one, the same everywhere."""

import itertools
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

CHANNELS, SIZE, LAYERS = 32, 32, 5
SEED = 0


def write_reference(path: Path) -> None:
    """Five 3×3 convolutions on 32×32 and a mean over the picture: (N, 3, 32, 32) to (N, 32), about 1 ms on a core."""
    generator = np.random.default_rng(SEED)
    depths = [3, *[CHANNELS] * LAYERS]
    tensors, nodes, last = {}, [], "input"
    for layer, (before, after) in enumerate(itertools.pairwise(depths)):
        # Scaled so that values neither vanish nor explode from layer to layer (He et al. 2015, eq. 10).
        tensors[f"w{layer}"] = generator.standard_normal((after, before, 3, 3)) * np.sqrt(2 / (9 * before))
        nodes.append(helper.make_node("Conv", [last, f"w{layer}"], [f"c{layer}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]))
        last = f"r{layer}"
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["output"]))
    graph = helper.make_graph(
        nodes,
        "reference",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", CHANNELS])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tensors.items()],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
