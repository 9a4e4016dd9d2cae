"""Reads foreign torch files without unpickling."""

import hashlib
import pickle
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor, nn

from profiler.common.door import contents
from profiler.common.errors import ModelError
from profiler.common.files import changed

NESTED = ("state_dict", "model_state_dict", "model")
OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.(?=[12]\.)")
LIMIT_BYTES = 4 << 30
PREFIXES = ("model.", "module.", "_orig_mod.", "net.", "backbone.")


def load_checkpoint(path: Path, model: nn.Module, digest: str = "") -> None:
    """Loads a state dictionary into `model`, from any known key of the file and with any known prefix of names."""
    load_strictly(path, model, plainly_named(read_tensors(path, digest)))


def load_initial_weights(path: Path, model: nn.Module, digest: str = "") -> None:
    """Loads the weights from which training starts; a first or last layer of another shape keeps random weights.

    Raises `ModelError` where another layer does not fit.
    """
    tensors, own = plainly_named(read_tensors(path, digest)), model.state_dict()
    layers = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    replaceable = {f"{name}.{part}" for name in (layers[0], layers[-1]) for part in ("weight", "bias")}
    for name in replaceable & own.keys() & tensors.keys():
        if tensors[name].shape != own[name].shape:
            tensors[name] = own[name]
    load_strictly(path, model, tensors)


def load_strictly(path: Path, model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Loads tensors; raises `ModelError` where one is missing, left over or of another shape."""
    try:
        model.load_state_dict(tensors, strict=True)
    except Exception as error:
        # Tensors of other kinds, such as sparse ones, raise other errors.
        raise ModelError(
            f"{path} does not fit the backbone ({' '.join(str(error).split())[:240]}): choose the backbone of the "
            "file by backbone=NAME and its arguments"
        ) from error


def plainly_named(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without common prefixes of trainers, and with the present layer names of DenseNet."""
    for prefix in PREFIXES:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return {OLD_DENSENET.sub(r"\1", name): tensor for name, tensor in tensors.items()}


def read_tensors(path: Path, digest: str) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name; raises `BadInputError` for a file with another digest."""
    file = contents(path, LIMIT_BYTES, "save its tensors only, or in half precision")
    if digest and hashlib.sha256(file).hexdigest() != digest:
        raise changed(path)
    try:
        content: Any = (
            load(file)
            if path.suffix == ".safetensors"
            else torch.load(BytesIO(file), weights_only=True, map_location="cpu")
        )
    except Exception as error:
        # A damaged or hostile archive may raise any error. The text of an UnpicklingError advises to unpickle the file.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        more = isinstance(error, pickle.UnpicklingError)
        reason = "it holds more than tensors, or another kind of file" if more else lines[0][:200]
        raise ModelError(f"{path} is truncated or no plain checkpoint of tensors ({reason}): save it again") from error
    for key in NESTED:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    tensors = (
        {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, Tensor)}
        if isinstance(content, dict)
        else {}
    )
    if not tensors:
        raise ModelError(f"{path} holds no state dictionary: save model.state_dict()")
    return tensors
