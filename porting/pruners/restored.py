"""Context managers that change a network for an inspection and restore it afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def serving(model: nn.Module) -> Iterator[None]:
    """Sets every layer to evaluation mode, and restores its mode afterwards."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, was in training.items():
            module.training = was


@contextmanager
def unfrozen(model: nn.Module) -> Iterator[None]:
    """Gives every parameter a gradient, as autograd does not see frozen layers."""
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
    """Restores the running statistics of batch normalisations, which scoring must not change."""
    saved = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, was in saved:
            buffer.copy_(was)
