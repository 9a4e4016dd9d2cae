"""What the load generator drives: a model that answers, in a server or in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from profiler.common.errors import ModelError, ServerError
from profiler.common.resources import Resources
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


class Host(Protocol):
    """Loads and unloads models by name; one of them answers at a time, unless a reference load runs beside it.

    `runtime` names it in every point. `process` is the root of the processes that serve, `None` where they are
    not ours to see. `address` is where a load generator of its own can call it, `None` inside this process.
    `controls_loading` says whether loading and unloading do anything.
    """

    @property
    def runtime(self) -> str: ...

    @property
    def address(self) -> str | None: ...

    @property
    def controls_loading(self) -> bool: ...

    @property
    def process(self) -> int | None: ...

    def version(self) -> str | None:
        """What the server says of itself."""
        ...

    def load(self, name: str, path: Path, resources: Resources) -> Served:
        """Returns when the model is ready; one of that name is replaced. `ServerError` where it is refused."""
        ...

    def unload(self, name: str) -> None:
        """Returns when the model is gone; does nothing where there is none of that name."""
        ...

    def revive(self) -> bool:
        """Starts the server again where it is ours; whether models must be loaded again."""
        ...


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
