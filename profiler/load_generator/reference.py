"""The reference network, the same on every machine, whose rate shows how fast the machine is at this moment."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from profiler.load_generator.speeds import Speeds
from profiler.records.base import ReferenceKind
from profiler.system.machine import pinned

# A machine's speed changes within tenths of a second, so compared slices must be close together.
SLICE_S = 0.04
SHARE = 0.3
SIZE, CLASSES = 32, 256
# The input channels, output channels and stride of each 3×3 convolution: large images with few channels, then small
# images with so many that the weights do not fit the core's own cache, as in measured networks.
LAYERS = ((3, 32, 1), (32, 32, 1), (32, 32, 1), (32, 32, 1), (32, CLASSES, 8), (CLASSES, CLASSES, 1))
SEED = 0


def reference_network() -> bytes:
    """The network as ONNX: convolutions and a mean over the image, (N, 3, 32, 32) to (N, 256), about 1 ms on a core."""
    generator = np.random.default_rng(SEED)
    tensors, nodes, last = {}, [], "input"
    for layer, (before, after, stride) in enumerate(LAYERS):
        # The scale keeps the variance of the values from layer to layer (He et al. 2015, eq. 10).
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


def write_reference(path: Path) -> None:
    """Writes the network to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(reference_network())


@dataclass(frozen=True)
class Reference:
    """The reference network, in process or served.

    `rate_per_s(beside_s)` measures its rate now, for longer where the compared measurement takes `beside_s`.
    `speeds` are its rates on this machine so far.
    """

    kind: ReferenceKind
    rate_per_s: Callable[[float], float]
    speeds: Speeds


class InProcessReference:
    """The reference network in this process, in fp32, one image at a time on one thread on the server's cores."""

    def __init__(self, cores: list[int]) -> None:
        self._cores = cores
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(reference_network(), options, providers=["CPUExecutionProvider"])
        self._feed = {"input": np.ones((1, 3, SIZE, SIZE), np.float32)}
        self.rate_per_s()

    def rate_per_s(self, compared_s: float = 0.0) -> float:
        """The inferences per second over one slice, a longer one for a measurement that takes `compared_s`."""
        slice_s = max(SLICE_S, SHARE * compared_s)
        with pinned(self._cores):
            runs, start = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - start) < slice_s:
                self._session.run(None, self._feed)
                runs += 1
        return runs / elapsed
