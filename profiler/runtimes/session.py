"""ONNX Runtime in this process: the session options that the served model gets too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from profiler.errors import ModelError

PROVIDERS = ["CPUExecutionProvider"]
SEED = 0


@dataclass(frozen=True)
class Tensor:
    """A graph's input or output: its name and its shape without the batch axis."""

    name: str
    shape: tuple[int, ...]


def open_session(path: Path, threads: int) -> ort.InferenceSession:
    """A session on the CPU with `threads` in an operator; raises `ModelError` where the file is refused."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(path), sess_options=options, providers=PROVIDERS)
    except Exception as error:
        # ONNX Runtime raises a class of its own for each of its status codes; all mean a refused file.
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"ONNX Runtime refuses {path} ({reason}): export it again") from error


def input_tensor(session: ort.InferenceSession) -> Tensor:
    """The one float32 input, (N, C, H, W) or any other shape with a symbolic first axis; `ModelError` otherwise."""
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)":
        found = [(tensor.name, tensor.type) for tensor in inputs]
        raise ModelError(f"the graph's inputs are {found}: export a network with one float32 input")
    return without_batch(inputs[0])


def output_tensor(session: ort.InferenceSession) -> Tensor:
    """The one float32 output (N, …), checked as `input_tensor` is."""
    outputs = session.get_outputs()
    if len(outputs) != 1 or outputs[0].type != "tensor(float)":
        found = [(tensor.name, tensor.type) for tensor in outputs]
        raise ModelError(f"the graph's outputs are {found}: export a network with one float32 output")
    return without_batch(outputs[0])


def without_batch(tensor: ort.NodeArg) -> Tensor:
    batch, *shape = tensor.shape
    if isinstance(batch, int) or not all(isinstance(axis, int) for axis in shape):
        raise ModelError(
            f"tensor {tensor.name!r} has shape {tensor.shape}: the first axis must be symbolic and the others fixed"
        )
    return Tensor(tensor.name, tuple(shape))


def sample_input(tensor: Tensor, batch: int) -> np.ndarray:
    """Seeded standard normal values, float32 (batch, *shape)."""
    generator = np.random.default_rng(SEED)
    return generator.standard_normal((batch, *tensor.shape), dtype=np.float32)


@contextmanager
def pinned(cores: list[int]) -> Iterator[None]:
    """Keeps the calling thread, and threads it starts, on `cores`."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
