"""Reading other people's torch files, without unpickling anything."""

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
    """Puts a state dictionary into `model`, wherever in the file it lies and whatever prefix its names have."""
    load_strictly(path, model, plainly_named(read_tensors(path, digest)))


def load_initial_weights(path: Path, model: nn.Module, digest: str = "") -> None:
    """Takes a network's weights over to train on from; a first or last layer of another shape starts anew.

    Raises `ModelError` where anything else does not fit.
    """
    tensors, own = plainly_named(read_tensors(path, digest)), model.state_dict()
    layers = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    anew = {f"{name}.{part}" for name in (layers[0], layers[-1]) for part in ("weight", "bias")}
    for name in anew & own.keys() & tensors.keys():
        if tensors[name].shape != own[name].shape:
            tensors[name] = own[name]
    load_strictly(path, model, tensors)


def load_strictly(path: Path, model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Raises `ModelError` where a tensor is missing, left over or of another shape."""
    try:
        model.load_state_dict(tensors, strict=True)
    except Exception as error:
        # A tensor may be of any kind that torch has, and each kind fails in its own way.
        raise ModelError(
            f"{path} does not fit the backbone ({' '.join(str(error).split())[:240]}): choose the one it was made "
            "with, by backbone=NAME and its arguments"
        ) from error


def plainly_named(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without what trainers put before every name, and without the point that old DenseNets have in theirs."""
    for prefix in PREFIXES:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return {OLD_DENSENET.sub(r"\1", name): tensor for name, tensor in tensors.items()}


def read_tensors(path: Path, digest: str) -> dict[str, Tensor]:
    """The named tensors of a checkpoint; raises `BadInputError` where it has another digest than was found before."""
    file = contents(path, LIMIT_BYTES, "save its tensors alone, in half precision if need be")
    if digest and hashlib.sha256(file).hexdigest() != digest:
        raise changed(path)
    try:
        content: Any = (
            load(file)
            if path.suffix == ".safetensors"
            else torch.load(BytesIO(file), weights_only=True, map_location="cpu")
        )
    except Exception as error:
        # The reader of a damaged or hostile archive fails with whatever its content leads to.
        # torch's own words advise to run what the file says.
        more = isinstance(error, pickle.UnpicklingError)
        reason = "it holds more than tensors, or another kind of file" if more else first_line(error)
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


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
