"""ONNX Runtime in this process, with the session options of the served model."""

import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime as ort

from profiler.common.errors import ModelError
from profiler.common.target import Provider, Tensor
from profiler.runtimes.inputs import check_size
from profiler.runtimes.providers import check_started, session_providers
from profiler.runtimes.time_limits import stoppable

LARGEST_RANK = 16
TERMINATED = "terminate flag"


def open_session(
    file: Path | bytes,
    threads: int,
    providers: tuple[Provider, ...] = ("cpu",),
    gpu: int = 0,
    options: ort.SessionOptions | None = None,
) -> ort.InferenceSession:
    """A session of a file or its content with `threads` for an operator; raises `ModelError` for a refused file.

    GPU providers compute on the GPU with the number `gpu`. `options` has further options of the session. Raises
    `BadInputError` for an unavailable provider, as there is no fallback to another one.
    """
    options = options or ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # ONNX Runtime raises the errors that it would print.
    options.log_severity_level = 4
    named = session_providers(providers, threads, gpu)
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
    """The graph's answer (N, …); raises `ModelError` for a refused input, too little memory, or a spent time limit."""
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
    """The first line of an error's message, or its type where it has no message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def tensors(path: Path) -> tuple[Tensor, Tensor]:
    """The file's input and output; the file is read once, because another read would load it into the page cache."""
    return _tensors(path, path.stat().st_mtime_ns)


@lru_cache
def _tensors(path: Path, _mtime_ns: int) -> tuple[Tensor, Tensor]:
    session = open_session(path, threads=1)
    return input_tensor(session), output_tensor(session)


def input_tensor(session: ort.InferenceSession) -> Tensor:
    """The one float32 input, (N, C, H, W) or any other shape with a symbolic first axis; `ModelError` otherwise."""
    return only_tensor("input", session.get_inputs())


def output_tensor(session: ort.InferenceSession) -> Tensor:
    """The one float32 output (N, …); raises `ModelError` as `input_tensor` does."""
    return only_tensor("output", session.get_outputs())


def only_tensor(what: str, tensors: list[ort.NodeArg]) -> Tensor:
    """The only tensor of a list, if it is float32; raises `ModelError` for any other list."""
    if len(tensors) != 1 or tensors[0].type != "tensor(float)":
        found = [(tensor.name, tensor.type) for tensor in tensors]
        raise ModelError(f"the graph's {what}s are {found}: export a network with one float32 {what}")
    return without_batch(tensors[0])


def without_batch(tensor: ort.NodeArg) -> Tensor:
    """The name and shape of a tensor without the batch axis; an axis of open size is -1.

    Raises `ModelError` for a tensor without a symbolic batch axis, and for unusual shapes.
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
