"""ONNX Runtime in this process: the session options that the served model gets too."""

import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime as ort

from profiler.common.errors import ModelError
from profiler.common.target import Provider
from profiler.common.tensor import Tensor
from profiler.runtimes.inputs import check_size
from profiler.runtimes.providers import check_started, session_providers
from profiler.runtimes.time_limits import stoppable

LARGEST_RANK = 16
TERMINATED = "terminate flag"


def open_session(file: Path | bytes, threads: int, providers: tuple[Provider, ...] = ("cpu",)) -> ort.InferenceSession:
    """A session with `threads` in an operator, of a file or its content; raises `ModelError` where it is refused.

    Raises `BadInputError` where a provider is not to be had: nothing falls back on another one.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # What it would print of an error it raises too.
    options.log_severity_level = 4
    named = session_providers(providers, threads)
    try:
        source = file if isinstance(file, bytes) else str(file)
        session = ort.InferenceSession(source, sess_options=options, providers=named, enable_fallback=False)
    except Exception as error:
        # ONNX Runtime raises a class of its own for each of its status codes; all mean a refused file.
        name = "the file" if isinstance(file, bytes) else file
        raise ModelError(
            f"ONNX Runtime refuses {name} on {', '.join(providers)} ({first_line(error)}): "
            "export it again, or choose other providers"
        ) from error
    check_started(session, providers)
    return session


def run(session: ort.InferenceSession, feed: dict[str, np.ndarray]) -> np.ndarray:
    """The graph's answer (N, …).

    Raises `ModelError` where it does not take this input, memory does not hold it, or it does not end in time.
    """
    shapes = [values.shape for values in feed.values()]
    start = time.monotonic()
    try:
        with stoppable(shapes[0][0]) as options:
            return np.asarray(session.run(None, feed, options)[0])
    except ModelError:
        raise
    except Exception as error:
        # ONNX Runtime raises a class of its own for each of its status codes.
        if TERMINATED in str(error):
            took = f"an inference on {shapes} was ended after {time.monotonic() - start:.1f} s"
            raise ModelError(f"{took}, when its time was over: leave that size out, or give it more time") from error
        reason = first_line(error)
        raise ModelError(f"ONNX Runtime does not run the graph on {shapes} ({reason}): leave that size out") from error


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def tensors(path: Path) -> tuple[Tensor, Tensor]:
    """The file's input and output; it is read once only, as reading it again would bring it into the page cache."""
    return _tensors(path, path.stat().st_mtime_ns)


@lru_cache
def _tensors(path: Path, _mtime_ns: int) -> tuple[Tensor, Tensor]:
    session = open_session(path, threads=1)
    return input_tensor(session), output_tensor(session)


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
    """Its name and shape; an axis that the graph leaves open is -1.

    Raises `ModelError` for a tensor without a symbolic batch axis, or of a shape that no picture has.
    """
    name, shown = repr(tensor.name[:64]), str(tensor.shape[:8])
    if not tensor.shape:
        raise ModelError(f"tensor {name} has no axes, or none are known: export with a symbolic first axis")
    batch, *shape = tensor.shape
    if isinstance(batch, int):
        raise ModelError(f"tensor {name} has shape {shown}: export with a symbolic first axis")
    sizes = tuple(axis if isinstance(axis, int) else -1 for axis in shape)
    if len(sizes) > LARGEST_RANK or 0 in sizes:
        raise ModelError(
            f"tensor {name} has {len(sizes)} axes beside the batch, {shown}: "
            f"export one of at most {LARGEST_RANK}, none of which is 0"
        )
    check_size(name, sizes)
    return Tensor(tensor.name, sizes)
