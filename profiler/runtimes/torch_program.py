"""TorchScript programs in this process, as an alternative to ONNX Runtime.

`torch.export.load` runs any code that the file names; TorchScript's reader knows tensors and its own language only.
That language can write files while it is loaded, so `profiler.trial.torch_file` runs a program first.
"""

import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from profiler.common.door import contents
from profiler.common.errors import BadInputError, ModelError
from profiler.common.target import Provider
from profiler.graph.read import LIMIT_BYTES
from profiler.runtimes.served import Call
from profiler.runtimes.time_limits import fatal

FIX = "put the TorchScript program of stage=export there"


class TorchProgram:
    """A program on the CPU or one GPU; the last loaded one sets torch's `threads` for the whole process."""

    runtime = "torch"

    def __init__(self, path: Path, threads: int, providers: tuple[Provider, ...] = ("cpu",), gpu: int = 0) -> None:
        self._torch = load_torch()
        self.device = usable_device(self._torch, providers[0], gpu)
        self._torch.set_num_threads(threads)
        self._program = read_program(self._torch, path, self.device)

    def prepare(self, images: np.ndarray) -> Call:
        """A call with these images (N, …)."""
        host = self._torch.from_numpy(images)

        def call() -> np.ndarray:
            # The mode applies to the calling thread only.
            with self._torch.inference_mode(), fatal(len(images)):
                return np.asarray(self._program(host.to(self.device)).cpu())

        return call

    def answers_counted(self) -> int | None:
        """`None`, because no server counts."""
        return None


def load_torch() -> ModuleType:
    """The torch module; raises `BadInputError` where it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise BadInputError("runtime=torch needs torch: pip install 'dnn-porting[porting]'") from error
    return torch


def torch_version() -> str:
    """The version of torch with its build, as in 2.14.1+cpu."""
    return str(load_torch().__version__)


def usable_device(torch: ModuleType, provider: Provider, gpu: int) -> str:
    """torch's name of the device; raises `BadInputError` where torch cannot use it."""
    if provider not in ("cpu", "cuda"):
        raise BadInputError(f"runtime=torch has no provider {provider}: choose cpu or cuda")
    if provider == "cuda" and not torch.cuda.is_available():
        raise BadInputError("provider cuda: torch finds no GPU here: choose cpu, or install a torch built for CUDA")
    if provider == "cuda" and gpu >= torch.cuda.device_count():
        raise BadInputError(f"gpu={gpu}: torch finds {torch.cuda.device_count()} GPUs here, numbered from 0")
    return provider if provider == "cpu" else f"{provider}:{gpu}"


def read_program(torch: ModuleType, path: Path, device: str) -> Any:
    """The ScriptModule in evaluation mode; raises `ModelError` for a broken file or more than one output."""
    try:
        return compiled(torch, contents(path, LIMIT_BYTES, FIX), device)[0]
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def compiled(torch: ModuleType, content: bytes, device: str) -> tuple[Any, Any]:
    """The ScriptModule in evaluation mode, and its compilation unit; raises `ModelError` as `read_program` does."""
    unit = torch._C.CompilationUnit()
    with warnings.catch_warnings():
        # TorchScript is deprecated but still the only kind of torch program that can be read safely.
        warnings.simplefilter("ignore")
        try:
            place = torch.device(device)
            module = torch._C.import_ir_module_from_buffer(unit, content, place, {}, False)
            program = torch.jit._recursive.wrap_cpp_module(module).eval()
        except (RuntimeError, ValueError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise ModelError(f"it is no readable TorchScript program ({reason}): save it again") from error
    answers = [str(output.type()) for output in program.graph.outputs()]
    if answers != ["Tensor"]:
        raise ModelError(f"it answers {', '.join(answers)[:200]}: save a program that answers one tensor")
    return program, unit
