"""A small fixed piece of work whose speed tells how fast the machine is at this moment."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort

from profiler.load_generator.reference_network import SIZE, reference_network
from profiler.records.noise import ReferenceKind
from profiler.system.cores import pinned

# A machine's speed changes within tenths of a second: what is compared must lie close together.
SLICE_S = 0.04
SHARE = 0.3
USUAL_SLICES = 30


@dataclass(frozen=True)
class Reference:
    """The speed of a reference network, in process or served.

    `rate_per_s(beside_s)` reads it now, for longer beside something that takes `beside_s`. `normal_per_s` is its rate
    at the machine's normal speed.
    """

    kind: ReferenceKind
    rate_per_s: Callable[[float], float]
    normal_per_s: float


class InProcessReference:
    """The reference network, fp32, one picture at a time on one thread, run where the server runs."""

    def __init__(self, cores: list[int]) -> None:
        self._cores = cores
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(reference_network(), options, providers=["CPUExecutionProvider"])
        self._feed = {"input": np.ones((1, 3, SIZE, SIZE), np.float32)}
        self.rate_per_s()

    def rate_per_s(self, beside_s: float = 0.0) -> float:
        """Runs a second over one slice of time, a longer one beside something that takes `beside_s`."""
        slice_s = max(SLICE_S, SHARE * beside_s)
        with pinned(self._cores):
            runs, start = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - start) < slice_s:
                self._session.run(None, self._feed)
                runs += 1
        return runs / elapsed

    def usual_rate_per_s(self) -> float:
        """The median over some slices: what counts as this machine's speed until another profile says so."""
        return float(np.median([self.rate_per_s() for _ in range(USUAL_SLICES)]))
