"""The trial of a foreign ONNX file: a confined process opens and runs it before any other process does."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import ModelProto

from profiler.common.batching import MAX_BATCH
from profiler.common.errors import ModelError
from profiler.common.target import Tensor
from profiler.confined.limits import Limits
from profiler.confined.parent import judged
from profiler.confined.protocol import Finding, Task, trusted
from profiler.graph.activations import Activations
from profiler.graph.layers import layers_of
from profiler.graph.read import FIX, LIMIT_BYTES, check_size, parse_onnx, standard_opset
from profiler.runtimes.inputs import input_shapes, sample_input
from profiler.runtimes.served import ANSWERS_NAN
from profiler.runtimes.session import input_tensor, open_session, output_tensor, run
from profiler.trial.batches import CPU_S, MEMORY_BYTES, MOST_BYTES, MOST_CPU_S, TRUSTED, answer_few, check_larger

# The reading speed of a file of weights, and the number of its copies in memory.
BYTES_PER_S, COPIES = 50e6, 5
NODES_PER_S = 30_000
USUAL_SIZES = (224, 64, 32)


def limits(path: Path, copies: int = COPIES, further_s: float = 0.0) -> Limits:
    """The limits for a file of this size, larger where it is trusted; raises `ModelError` for one that is too large."""
    size, more = file_bytes(path), TRUSTED if trusted() else 1
    cpu_s, further_s = CPU_S + size / BYTES_PER_S, MOST_CPU_S + further_s + 2 * size / BYTES_PER_S
    return Limits(more * cpu_s, more * (MEMORY_BYTES + copies * size), more * further_s, more * MOST_BYTES)


def file_bytes(path: Path) -> int:
    """The size of a file without its holes; raises `ModelError` where it is too large."""
    if not path.exists():
        return 0
    found = path.stat()
    if found.st_size > LIMIT_BYTES:
        raise ModelError(f"{path} is larger than {LIMIT_BYTES} bytes, the most that a network's file may have")
    return min(found.st_size, 2 * 512 * found.st_blocks)


def try_onnx(path: Path, input_sizes: Sequence[int] = (), name: Path | None = None) -> None:
    """Opens the file in a confined process, counts its layers and batches, and runs it.

    Where the graph leaves its input's size open, the first of `input_sizes` is used; without any, usual sizes are
    tried, and none of them needs to fit. Errors call the file `name`. Raises `ModelError` for a file that fails.
    """
    task = Task("profiler.trial.onnx_file.judge", {"input_sizes": list(input_sizes)})
    judged(path, task, limits(path), FIX, name)


def judge(content: bytes, input_sizes: Sequence[int]) -> Finding:
    """The finding about a file; runs in the confined process."""
    model = parse_onnx(content, "the file")
    standard_opset(model)
    check_size(model)
    session = open_session(content, threads=1)
    source = input_tensor(session)
    output_tensor(session)
    guessed = -1 in source.shape and not input_sizes
    shapes = input_shapes(source, USUAL_SIZES) if guessed else input_shapes(source, input_sizes)[:1]
    for shape in shapes:
        try:
            graph = Graph(model, session, source, shape)
            took_s = answer_few(graph)
        except ModelError:
            if not guessed:
                raise
        else:
            check_larger(graph, took_s)
    return Finding()


class Graph:
    """The `Network` of a graph in a session."""

    batches: Sequence[int] = range(1, MAX_BATCH + 1)

    def __init__(
        self, model: ModelProto, session: ort.InferenceSession, source: Tensor, shape: tuple[int, ...]
    ) -> None:
        self._session, self._source, self._shape = session, source, shape
        self._layers = layers_of(model, shape)
        self._activations = Activations(model, shape)
        self.counting_s = len(model.graph.node) * len(self.batches) / NODES_PER_S

    def macs(self) -> int:
        """The counted multiply-accumulates for one input."""
        return sum(layer.macs or 0 for layer in self._layers)

    def activation_bytes(self, batch: int) -> int:
        """The bytes of all tensors between the nodes for a batch."""
        return self._activations.bytes(batch)

    def answer(self, batch: int) -> None:
        """Answers a batch; raises `ModelError` for another first axis, or values that are not finite."""
        answers = run(self._session, {self._source.name: sample_input(self._shape, batch)})
        if not np.isfinite(answers).all():
            raise ModelError(f"it {ANSWERS_NAN}")
        if answers.shape[:1] != (batch,):
            found = list(answers.shape[:8])
            raise ModelError(f"it answers shape {found} to {batch} inputs: export with a symbolic first axis")
