"""A network that is only looked at: what looking changes is given back afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def serving(model: nn.Module) -> Iterator[None]:
    """Every layer as it serves (`eval`), and as it was afterwards."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, was in training.items():
            module.training = was


@contextmanager
def unfrozen(model: nn.Module) -> Iterator[None]:
    """Every parameter with gradients: autograd sees no layer that is frozen."""
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)


@contextmanager
def untouched_statistics(model: nn.Module) -> Iterator[None]:
    """Batch normalisation's running statistics as they were: scoring must not move them."""
    saved = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, was in saved:
            buffer.copy_(was)
