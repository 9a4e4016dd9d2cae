"""The layers of a network and their tensors by name: torch declares the attribute of a module as either."""

from narrowing import of
from torch import Tensor, nn


def convolution(model: nn.Module, name: str) -> nn.Conv2d:
    """A convolution by its name, such as `layer1.0.conv1`; raises TypeError for another layer."""
    return of(model.get_submodule(name), nn.Conv2d)


def tensor(model: nn.Module, name: str) -> Tensor:
    """A parameter or a buffer by its name, such as `layer1.0.bn1.weight`; raises TypeError for anything else."""
    before, _, last = name.rpartition(".")
    return of(getattr(model.get_submodule(before), last), Tensor)
