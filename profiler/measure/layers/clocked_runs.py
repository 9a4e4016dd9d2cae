"""Runs of a graph without the clock of ONNX Runtime and with it, in turns, and the cost of this clock."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from profiler.common.errors import ModelError
from profiler.runtimes.kernel_clock import Kernel, clocked_session, kernel_us
from profiler.runtimes.session import open_session, run

WARM_RUNS = 5
# A slice has as many runs of each session as fit, so that the file of the clock stays small.
SLICE_S, FEWEST_RUNS, MOST_RUNS = 0.05, 3, 25
# The clock rounds down to whole µs, so that half of one is missing on average.
ROUNDED_US = 0.5
# The nodes of a graph that does next to nothing, and as many inputs as a convolution in int8 has.
IDLE_NODES, MANY_INPUTS, IDLE_INPUT = 41, 9, np.zeros((1, 4), np.float32)
INPUT = "input"


class Runs:
    """The times of runs of one input, slice by slice, in µs; the folder takes the files of the clock."""

    def __init__(self, content: bytes, threads: int, folder: Path, images: np.ndarray) -> None:
        folder.mkdir()
        self._plain, self._clocked = open_session(content, threads), clocked_session(content, threads, folder)
        self._feed = {self._plain.get_inputs()[0].name: images}
        warm_us = [self._run_us(session, WARM_RUNS) for session in (self._plain, self._clocked)]
        self._count = int(np.clip(SLICE_S * 1e6 / min(warm_us[0]), FEWEST_RUNS, MOST_RUNS))
        self._plain_us: list[list[float]] = []
        self._clocked_us: list[list[float]] = []

    def _run_us(self, session: ort.InferenceSession, count: int) -> list[float]:
        found = []
        for _ in range(count):
            start = time.perf_counter()
            run(session, self._feed)
            found.append((time.perf_counter() - start) * 1e6)
        return found

    def slice(self) -> float:
        """Runs one more slice of each session, and returns the seconds of both."""
        self._plain_us.append(self._run_us(self._plain, self._count))
        self._clocked_us.append(self._run_us(self._clocked, self._count))
        return (sum(self._plain_us[-1]) + sum(self._clocked_us[-1])) / 1e6

    def n(self, counting: Sequence[int]) -> int:
        """The number of runs of each session in these slices."""
        return self._count * len(counting)

    def plain_us(self, counting: Sequence[int]) -> float:
        """The time of a run without the clock, over the slices that count."""
        return middle([us for place in counting for us in self._plain_us[place]])

    def clocked_us(self, counting: Sequence[int]) -> float:
        """The time of a run with the clock, over the slices that count."""
        return middle([us for place in counting for us in self._clocked_us[place]])

    def kernels_us(self, counting: Sequence[int]) -> dict[Kernel, float]:
        """The time of each kernel over the slices that count, with the time that the clock adds; the clock ends.

        It is the mean over the middle half of the runs by the sum of their kernels, as one run is slow in few kernels.
        Raises `ModelError` where ONNX Runtime reports no times.
        """
        runs = WARM_RUNS + self._count * len(self._clocked_us)
        found = {kernel: values for kernel, values in kernel_us(self._clocked).items() if len(values) == runs}
        if not found:
            raise ModelError(f"ONNX Runtime {ort.__version__} reports no times of nodes: install another version")
        chosen = np.concatenate([np.arange(self._count) + WARM_RUNS + self._count * place for place in counting])
        table = np.array(list(found.values()), dtype=float)[:, chosen]
        middle_us = table[:, middle_half(table.sum(axis=0))].mean(axis=1) + ROUNDED_US
        return dict(zip(found, middle_us.tolist(), strict=True))


def middle_half(values: np.ndarray) -> np.ndarray:
    """The places of the values without the lowest and the highest quarter."""
    cut = len(values) // 4
    return np.asarray(np.argsort(values)[cut : len(values) - cut])


def middle(values: Sequence[float]) -> float:
    """The mean of the middle half: robust as a median is, and finer than the clock's resolution."""
    found = np.array(values)
    return float(found[middle_half(found)].mean())


def idle_graph(nodes: int, inputs: int) -> bytes:
    """A chain of nodes on four values, each with this number of inputs, which no optimisation joins."""
    tensors = [INPUT, *(f"t{place}" for place in range(1, nodes)), "output"]
    value = partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT, shape=["batch", 4])
    made = [
        helper.make_node("Sum", [before, *["zeros"] * (inputs - 1)], [after], name=after)
        for before, after in pairwise(tensors)
    ]
    zeros = numpy_helper.from_array(np.zeros(4, np.float32), "zeros")
    graph = helper.make_graph(made, "idle", [value(INPUT)], [value("output")], [zeros])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return bytes(model.SerializeToString())


@dataclass(frozen=True)
class Cost:
    """The time that the clock adds to that of a node, and for each further input of it; the rest of a call."""

    clock_us: float
    clock_input_us: float
    call_us: float

    def of_node(self, inputs: int) -> float:
        """The time that the clock adds to that of a node with this number of inputs."""
        return self.clock_us + self.clock_input_us * max(0, inputs - 1)


class ClockCost:
    """The cost of the clock, from graphs of nodes that do next to nothing, in the same moments as the measured runs."""

    def __init__(self, threads: int, folder: Path) -> None:
        self._runs = {
            (nodes, inputs): Runs(idle_graph(nodes, inputs), threads, folder / f"idle-{nodes}-{inputs}", IDLE_INPUT)
            for nodes in (1, IDLE_NODES)
            for inputs in (1, MANY_INPUTS)
        }

    def slice(self) -> float:
        """Runs one more slice, and returns its seconds."""
        return sum(runs.slice() for runs in self._runs.values())

    def read(self, counting: Sequence[int]) -> Cost:
        """The cost over the slices that count."""
        added_us = {}
        for inputs in (1, MANY_INPUTS):
            one_us, all_us = (self._runs[nodes, inputs].plain_us(counting) for nodes in (1, IDLE_NODES))
            node_us = max(0.0, (all_us - one_us) / (IDLE_NODES - 1))
            timed = self._runs[IDLE_NODES, inputs].kernels_us(counting).values()
            added_us[inputs] = max(0.0, float(np.mean(list(timed))) - node_us), max(0.0, one_us - node_us)
        (clock_us, call_us), (many_us, _) = added_us.values()
        return Cost(clock_us, max(0.0, many_us - clock_us) / (MANY_INPUTS - 1), call_us)
