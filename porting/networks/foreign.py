"""Reading other people's torch files, without unpickling anything."""

import pickle
import warnings
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from profiler.errors import ModelError

Kind = Literal["onnx", "torchscript", "checkpoint"]
NESTED = ("state_dict", "model_state_dict", "model")
PREFIXES = ("model.", "module.", "_orig_mod.", "net.", "backbone.")


def load_torchscript(path: Path) -> nn.Module:
    """The program (a ScriptModule, in evaluation mode); raises `ModelError` for a broken file."""
    with warnings.catch_warnings():
        # TorchScript is deprecated; files of it exist all the same.
        warnings.simplefilter("ignore")
        try:
            program: nn.Module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{path} is no readable TorchScript file ({first_line(error)}): save it again") from error
    return program.eval()


def load_checkpoint(path: Path, model: nn.Module) -> None:
    """Puts a state dictionary into `model`, wherever in the file it lies and whatever prefix its names have."""
    tensors = read_tensors(path)
    for prefix in PREFIXES:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise ModelError(
            f"{path} does not fit the backbone ({' '.join(str(error).split())[:240]}): choose the one it was made "
            "with, by backbone=NAME and its arguments"
        ) from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The named tensors of a checkpoint."""
    try:
        content: Any = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, weights_only=True, map_location="cpu")
        )
    except (RuntimeError, ValueError, OSError, EOFError, SafetensorError, pickle.UnpicklingError) as error:
        raise ModelError(
            f"{path} is truncated or no plain checkpoint of tensors ({first_line(error)}): save it again"
        ) from error
    for key in NESTED:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    tensors = (
        {name: value for name, value in content.items() if isinstance(value, Tensor)}
        if isinstance(content, dict)
        else {}
    )
    if not tensors:
        raise ModelError(f"{path} holds no state dictionary: save model.state_dict()")
    return tensors


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
