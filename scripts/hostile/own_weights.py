"""Hostile checkpoints: the real network's weights with a fault in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile.door import Inputs, Put, inside

Change = Callable[[Any, dict[str, Any]], object]
CHANGES: dict[str, Change] = {
    "NaN": lambda torch, own: own[first(own)].fill_(float("nan")),
    "infinity": lambda torch, own: own[first(own)].fill_(float("inf")),
    "integers": lambda torch, own: own.update({first(own): own[first(own)].to(torch.int64)}),
    "half precision": lambda torch, own: own.update({name: one.half() for name, one in own.items()}),
    "complex": lambda torch, own: own.update({first(own): own[first(own)].to(torch.complex64)}),
    "another shape": lambda torch, own: own.update({first(own): torch.ones(3)}),
    "rank 0": lambda torch, own: own.update({first(own): torch.tensor(1.0)}),
    "one more": lambda torch, own: own.update({"more\x1b[31m": torch.ones(1)}),
    "one less": lambda torch, own: own.pop(first(own)),
    "huge and shared": lambda torch, own: own.update({first(own): torch.zeros(1).expand(10**6, 10**6)}),
}


def first(tensors: dict[str, Any]) -> str:
    return next(name for name in tensors if name.endswith("weight"))


def damaged(change: Change) -> Put:
    def put(case: Path) -> None:
        import torch
        from safetensors.torch import load_file

        path = next((case / "base").glob("tasks/*/variants/digits-resnet8-????????/model.safetensors"))
        tensors = load_file(path)
        change(torch, tensors)
        torch.save(tensors, inside(case, "weights.pt"))

    return put


def inputs() -> Inputs:
    for name, change in CHANGES.items():
        yield f"own weights: {name}", damaged(change)
