"""Models in the profiler's own process, without a server."""

import os
from pathlib import Path

import numpy as np

from profiler.common.errors import UnavailableError
from profiler.common.target import Provider, Resources, Target
from profiler.runtimes.served import Call, Served
from profiler.runtimes.session import open_session, run
from profiler.runtimes.torch_program import TorchProgram, torch_version

# The suffix of the file beside an ONNX file that torch serves in its place.
PROGRAM = ".pt"


class InProcess:
    """A model in ONNX Runtime, called from the load generator's threads on the server's cores."""

    runtime = "onnxruntime"

    def __init__(self, path: Path, threads: int, providers: tuple[Provider, ...] = ("cpu",), gpu: int = 0) -> None:
        self._session = open_session(path, threads, providers, gpu)
        self._input = self._session.get_inputs()[0].name

    def prepare(self, images: np.ndarray) -> Call:
        """A call with these images (N, …)."""
        feed = {self._input: images}
        return lambda: run(self._session, feed)

    def answers_counted(self) -> int | None:
        """`None`, because no server counts."""
        return None


class OwnProcess:
    """The host of models in ONNX Runtime, or in torch for a program file."""

    address, controls_loading = None, True

    def __init__(self, target: Target) -> None:
        self.runtime = target.runtime
        self._target = target
        self._models: dict[str, Served] = {}

    @property
    def process(self) -> int | None:
        """This process."""
        return os.getpid()

    def version(self) -> str | None:
        """The version of torch if it serves."""
        return torch_version() if self.runtime == "torch" else None

    def load(self, name: str, path: Path, resources: Resources) -> Served:
        """The loaded model; raises `ModelError` where the runtime refuses it."""
        self._models[name] = computation(self._target, path, resources.threads)
        return self._models[name]

    def unload(self, name: str) -> None:
        """Drops the model."""
        self._models.pop(name, None)

    def restart(self) -> bool:
        """False, as there is no server to restart."""
        return False


def computation(target: Target, path: Path, threads: int) -> Served:
    """The model of a target in this process; raises `ModelError` where its runtime refuses the file."""
    if target.computes_in == "torch":
        return TorchProgram(program_of(path), threads, target.providers, target.gpu)
    return InProcess(path, threads, target.providers, target.gpu)


def program_of(path: Path) -> Path:
    """The program file that torch serves in place of an ONNX file; raises `UnavailableError` where it is missing."""
    program = path.with_suffix(PROGRAM)
    if not program.is_file():
        raise UnavailableError(
            f"{program} does not exist, which runtime=torch serves in place of {path.name}: put the TorchScript "
            "program of stage=export there, or choose runtime=onnxruntime"
        )
    return program
