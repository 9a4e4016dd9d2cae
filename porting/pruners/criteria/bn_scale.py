"""The scale of batch normalisation, Network Slimming (Liu et al. 2017)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from porting.pruners.groups import ChannelGroup, Place
from porting.pruners.interface import Batches
from profiler.common.errors import BadInputError


class BNScale:
    """The sum of |γ| over the batch normalisations that scale a channel.

    Raises `BadInputError` that names the layer where none does.
    """

    def score(self, model: nn.Module, groups: Sequence[ChannelGroup], _: Batches) -> list[Tensor]:
        for group in groups:
            if not group.norms:
                raise BadInputError(
                    f"no batch normalisation scales the channels of layer {group.names[0]}, which bn_scale needs: "
                    "take another criterion, such as l1"
                )
        return [torch.stack([scales(model, norm) for norm in group.norms]).sum(dim=0) for group in groups]


def scales(model: nn.Module, norm: Place) -> Tensor:
    """|γ| of each of the group's channels (width,)."""
    gamma = model.get_submodule(norm.name).get_parameter("weight").detach().abs()
    return torch.stack([gamma[list(places)].sum() for places in norm.indices])
