"""The weights that make a channel."""

import torch
from torch import Tensor, nn

from porting.pruners.groups import ChannelGroup


def filters(model: nn.Module, name: str) -> Tensor:
    """The filters of a convolution or linear layer, one a row: (width, weights of each)."""
    weight: Tensor = model.get_submodule(name).get_parameter("weight")
    return weight.detach().flatten(1)


def tied_filters(model: nn.Module, group: ChannelGroup) -> Tensor:
    """The filters of all tied layers side by side: (width, weights of each)."""
    return torch.cat([filters(model, name) for name in group.names], dim=1)
