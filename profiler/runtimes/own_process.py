"""Models in the profiler's own process: no server, no wire."""

import os
from pathlib import Path

from profiler.common.errors import UnavailableError
from profiler.common.resources import Resources
from profiler.common.target import Target
from profiler.runtimes.served import InProcess, Served
from profiler.runtimes.torch_program import TorchProgram, torch_version

# What torch serves in place of an ONNX file, beside it.
PROGRAM = ".pt"


class OwnProcess:
    """ONNX Runtime, or torch for a program file, called from the load generator's threads."""

    address, controls_loading = None, True

    def __init__(self, target: Target) -> None:
        self.runtime = target.runtime
        self._providers = target.providers
        self._models: dict[str, Served] = {}

    @property
    def process(self) -> int | None:
        return os.getpid()

    def version(self) -> str | None:
        return torch_version() if self.runtime == "torch" else None

    def load(self, name: str, path: Path, resources: Resources) -> Served:
        model: Served
        if self.runtime == "torch":
            model = TorchProgram(program_beside(path), resources.threads, self._providers)
        else:
            model = InProcess(path, resources.threads, self._providers)
        self._models[name] = model
        return model

    def unload(self, name: str) -> None:
        self._models.pop(name, None)

    def revive(self) -> bool:
        return False


def program_beside(path: Path) -> Path:
    """What torch serves in place of an ONNX file; raises `UnavailableError` where it is not there."""
    program = path.with_suffix(PROGRAM)
    if not program.is_file():
        raise UnavailableError(
            f"{program} does not exist, which runtime=torch serves in place of {path.name}: put there the TorchScript "
            "program that stage=export writes beside the ONNX file, or take runtime=onnxruntime"
        )
    return program
