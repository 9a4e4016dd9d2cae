"""The interfaces of served models and their hosts, and the check of their answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from profiler.common.errors import ModelError, ServerError
from profiler.common.target import Resources
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.session import input_tensor, open_session, run

MAXIMUM_ERROR = 0.05
ANSWERS_NAN = "answers NaN or infinite values to standard normal input: train it again"

Call = Callable[[], np.ndarray]
OnAnswer = Callable[[np.ndarray | ServerError], None]


class Served(Protocol):
    """A loaded model, in a server or in this process."""

    runtime: str

    def prepare(self, images: np.ndarray) -> Call:
        """A call that sends these images (N, …) and returns the answer (N, classes)."""

    def answers_counted(self) -> int | None:
        """The number of inputs answered so far by the server's own count, `None` without such a count."""


class Host(Protocol):
    """A place where models are loaded and unloaded by name: a local server, a running one, or this process."""

    @property
    def runtime(self) -> str:
        """The name of the runtime in every point."""

    @property
    def address(self) -> str | None:
        """The address for an external load generator, `None` inside this process."""

    @property
    def controls_loading(self) -> bool:
        """Whether loading and unloading have an effect."""

    @property
    def process(self) -> int | None:
        """The root of the serving processes, `None` where they are not visible."""

    def version(self) -> str | None:
        """The server's report of its version."""

    def load(self, name: str, path: Path, resources: Resources) -> Served:
        """The model when it is ready, in place of one of the same name; raises `ServerError` where it is refused."""

    def unload(self, name: str) -> None:
        """Unloads the model, if there is one of that name, and waits for the end of it."""

    def restart(self) -> bool:
        """Restarts a local server, and returns whether models must be loaded again."""


class Expectation:
    """The expected answers to a fixed input, of the graph's own shape by default: those of the file in this process."""

    def __init__(self, path: Path, largest_batch: int, shape: tuple[int, ...] | None = None) -> None:
        session = open_session(path, threads=1)
        self.images = sample_input(shape or input_tensor(session).shape, largest_batch)
        name = session.get_inputs()[0].name
        # The inputs run one by one, because this process may not have the memory for the largest batch.
        self._answers = np.concatenate([run(session, {name: self.images[i : i + 1]}) for i in range(largest_batch)])
        if not np.isfinite(self._answers).all():
            raise ModelError(f"{path} {ANSWERS_NAN}")
        self._span = float(np.ptp(self._answers)) or 1.0
        self._passed: np.ndarray | None = None

    def check(self, answers: np.ndarray, batch: int | None = None) -> None:
        """Raises `ServerError` where the shape or the values of the answers to the first `batch` images differ.

        A ready server can still answer wrong values. A read-only array that passed is not checked again.
        """
        if answers is self._passed:
            return
        expected = self._answers[:batch]
        if answers.shape != expected.shape:
            raise ServerError(f"the server answered shape {answers.shape} instead of {expected.shape}")
        if not np.isfinite(answers).all():
            raise ServerError("the server answers NaN or infinite values where the file itself answers numbers")
        error = float(np.abs(answers - expected).max()) / self._span
        if not error <= MAXIMUM_ERROR:
            raise ServerError(f"the server's answers differ from the file's own by {error:.0%} of their range")
        self._passed = None if answers.flags.writeable else answers
