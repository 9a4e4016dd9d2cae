"""What the load generator drives: a model that answers, in a server or in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from profiler.common.errors import ModelError, ServerError
from profiler.common.target import Provider
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.session import input_tensor, open_session, run

MAXIMUM_ERROR = 0.05
ANSWERS_NAN = "answers NaN or infinite values to standard normal input: train it again"

Call = Callable[[], np.ndarray]
OnAnswer = Callable[[np.ndarray | ServerError], None]


class Served(Protocol):
    """A loaded model. `prepare` makes a call that sends one fixed input and returns the answer (N, classes)."""

    runtime: str

    def prepare(self, images: np.ndarray) -> Call: ...

    def answers_counted(self) -> int | None:
        """Inputs answered so far by the server's own count, `None` where nobody else counts."""
        ...


class InProcess:
    """ONNX Runtime called from the load generator's own threads, on the server's cores."""

    runtime = "onnxruntime"

    def __init__(self, path: Path, threads: int, providers: tuple[Provider, ...] = ("cpu",)) -> None:
        self._session = open_session(path, threads, providers)
        self._input = self._session.get_inputs()[0].name

    def prepare(self, images: np.ndarray) -> Call:
        feed = {self._input: images}
        return lambda: run(self._session, feed)

    def answers_counted(self) -> int | None:
        return None


class Expectation:
    """The answers that the file gives in this process to a fixed input, to hold a server's answers against.

    The input's `shape`, without the batch axis, is the graph's own unless that is left open.
    """

    def __init__(self, path: Path, largest_batch: int, shape: tuple[int, ...] | None = None) -> None:
        session = open_session(path, threads=1)
        self.images = sample_input(shape or input_tensor(session).shape, largest_batch)
        name = session.get_inputs()[0].name
        # One by one, as this process may not hold the largest batch.
        self._answers = np.concatenate([run(session, {name: self.images[i : i + 1]}) for i in range(largest_batch)])
        if not np.isfinite(self._answers).all():
            raise ModelError(f"{path} {ANSWERS_NAN}")
        self._span = float(np.ptp(self._answers)) or 1.0
        self._right: np.ndarray | None = None

    def check(self, answers: np.ndarray, batch: int | None = None) -> None:
        """Raises `ServerError` where shape or values differ: a server can be ready and answer nonsense.

        The first `batch` images were sent, all of them by default. An array that was right and that nobody can
        write to is right when it comes again.
        """
        if answers is self._right:
            return
        expected = self._answers[:batch]
        if answers.shape != expected.shape:
            raise ServerError(f"the server answered shape {answers.shape} where {expected.shape} was due")
        if not np.isfinite(answers).all():
            raise ServerError("the server answers NaN or infinite values where the file itself answers numbers")
        error = float(np.abs(answers - expected).max()) / self._span
        if not error <= MAXIMUM_ERROR:
            raise ServerError(f"the server's answers differ from the file's own by {error:.0%} of their range")
        self._right = None if answers.flags.writeable else answers
