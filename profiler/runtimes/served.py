"""The interfaces of served models and their hosts, and the check of their answers."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from profiler.common.errors import ModelError, ServerError
from profiler.common.target import Resources
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.session import input_tensor, open_session, run

MAXIMUM_ERROR = 0.05
# So many answers show the range of a network, which the errors are compared with.
FEWEST_INPUTS = 4
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
    """The expected answers to a fixed input, of the graph's own shape by default: those of the file in this process.

    `input_s` is the least time of one of the first inferences, on one thread of this process.
    """

    def __init__(self, path: Path, largest_batch: int, shape: tuple[int, ...] | None = None) -> None:
        self._path = path
        self._images = sample_input(shape or input_tensor(open_session(path, threads=1)).shape, largest_batch)
        self._answers, seconds = answers_of(path, self._images[:FEWEST_INPUTS])
        self.input_s = min(seconds)
        self._passed: np.ndarray | None = None

    def images(self, batch: int | None = None) -> np.ndarray:
        """The first `batch` inputs (N, …), all by default, whose answers are known from now on.

        A slow file answers the others only when they are asked for. Raises `ModelError` for answers without a number.
        """
        wanted = self._images[:batch]
        if len(wanted) > len(self._answers):
            more, _ = answers_of(self._path, wanted[len(self._answers) :])
            self._answers = np.concatenate([self._answers, more])
        return wanted

    def check(self, answers: np.ndarray, batch: int | None = None) -> None:
        """Raises `ServerError` where the shape or the values of the answers to the first `batch` images differ.

        A ready server can still answer wrong values. A read-only array that passed is not checked again.
        """
        if answers is self._passed:
            return
        expected = self._answers[: len(self._images[:batch])]
        if answers.shape != expected.shape:
            raise ServerError(f"the server answered shape {answers.shape} instead of {expected.shape}")
        if not np.isfinite(answers).all():
            raise ServerError("the server answers NaN or infinite values where the file itself answers numbers")
        span = float(np.ptp(self._answers)) or 1.0
        error = float(np.abs(answers - expected).max()) / span
        if not error <= MAXIMUM_ERROR:
            raise ServerError(f"the server's answers differ from the file's own by {error:.0%} of their range")
        self._passed = None if answers.flags.writeable else answers


def answers_of(path: Path, images: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """The answers of a file to each of the images (N, …) alone, and the seconds of each.

    This process may not have the memory for a large batch. Raises `ModelError` for answers without a number.
    """
    session, answers, seconds = open_session(path, threads=1), [], []
    name = session.get_inputs()[0].name
    for index in range(len(images)):
        start = time.perf_counter()
        answers.append(run(session, {name: images[index : index + 1]}))
        seconds.append(time.perf_counter() - start)
    found = np.concatenate(answers)
    if not np.isfinite(found).all():
        raise ModelError(f"{path} {ANSWERS_NAN}")
    return found, seconds
