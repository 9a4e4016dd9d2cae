"""A small fixed piece of work whose speed tells how fast the machine is at this moment."""

import itertools
import time

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from profiler.runtimes.session import pinned

CHANNELS, SIZE, LAYERS = 16, 16, 4
SLICE_S = 0.05
USUAL_SLICES = 15


class Probe:
    """Four 3×3 convolutions of 16 channels on 16×16, fp32, one thread, run where the server runs."""

    def __init__(self, cores: list[int]) -> None:
        self._cores = cores
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(probe_network(), options, providers=["CPUExecutionProvider"])
        self._feed = {"input": np.ones((1, CHANNELS, SIZE, SIZE), np.float32)}
        self.rate_per_s()

    def rate_per_s(self) -> float:
        """Runs a second over one slice of time."""
        with pinned(self._cores):
            runs, start = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - start) < SLICE_S:
                self._session.run(None, self._feed)
                runs += 1
        return runs / elapsed

    def usual_rate_per_s(self) -> float:
        """The median over some slices: what counts as this machine's speed until another profile says so."""
        return float(np.median([self.rate_per_s() for _ in range(USUAL_SLICES)]))


def probe_network() -> bytes:
    """The probe's ONNX file."""
    weight = np.full((CHANNELS, CHANNELS, 3, 3), 1 / (CHANNELS * 9), np.float32)
    names = ["input", *(f"layer{i}" for i in range(1, LAYERS)), "output"]
    nodes = [helper.make_node("Conv", [a, "weight"], [b], pads=[1, 1, 1, 1]) for a, b in itertools.pairwise(names)]
    shape = [1, CHANNELS, SIZE, SIZE]
    graph = helper.make_graph(
        nodes,
        "probe",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return bytes(model.SerializeToString())
