"""Criteria that read the weights of a network alone, and the random order that each of them must beat."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from porting.pruners.channel_groups import ChannelGroup, Place
from porting.pruners.interface import Batches
from profiler.common.errors import BadInputError


class Norm:
    """The L1 norm (Li et al. 2017) or the L2 norm of a channel's filters, summed over the tied layers.

    Raises `ValueError` for a `p` that is not 1 or 2.
    """

    def __init__(self, p: int) -> None:
        if p not in (1, 2):
            raise ValueError(f"p={p!r} is no norm that is known here: choose 1 or 2")
        self.p = p

    def score(self, model: nn.Module, groups: Sequence[ChannelGroup], _: Batches) -> list[Tensor]:
        """The norms (width,) of each group."""
        return [
            torch.stack([filters(model, name).norm(self.p, dim=1) for name in group.names]).sum(dim=0)
            for group in groups
        ]


class FPGM:
    """Filter pruning via geometric median (He et al. 2019): the sum of a filter's Euclidean distances to all others.

    The filter with the smallest sum is the one that the others replace best. The filters of tied layers count as one.
    """

    def score(self, model: nn.Module, groups: Sequence[ChannelGroup], _: Batches) -> list[Tensor]:
        """The sums (width,) of each group."""
        return [distances(torch.cat([filters(model, name) for name in group.names], dim=1)) for group in groups]


class BNScale:
    """The sum of |γ| over the batch normalisations of a channel: Network Slimming (Liu et al. 2017).

    Raises `BadInputError` with the layer's name where no batch normalisation scales its channels.
    """

    def score(self, model: nn.Module, groups: Sequence[ChannelGroup], _: Batches) -> list[Tensor]:
        """The sums (width,) of each group."""
        for group in groups:
            if not group.norms:
                raise BadInputError(
                    f"no batch normalisation scales the channels of layer {group.names[0]}, which bn_scale needs: "
                    "take another criterion, such as l1"
                )
        return [torch.stack([scales(model, norm) for norm in group.norms]).sum(dim=0) for group in groups]


class Random:
    """Uniform random scores in [0, 1), equal for equal seeds."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def score(self, _: nn.Module, groups: Sequence[ChannelGroup], __: Batches) -> list[Tensor]:
        """The random scores (width,) of each group."""
        generator = torch.Generator().manual_seed(self.seed)
        return [torch.rand(group.width, generator=generator) for group in groups]


def filters(model: nn.Module, name: str) -> Tensor:
    """The filters of a convolution or linear layer, one in each row: (width, weights of a filter)."""
    weight: Tensor = model.get_submodule(name).get_parameter("weight")
    return weight.detach().flatten(1)


def distances(points: Tensor) -> Tensor:
    """The sum of the distances of each point to all others: (width,) from (width, weights).

    The mode avoids a matrix product, which loses the digits of small distances.
    """
    return torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").sum(dim=1)


def scales(model: nn.Module, norm: Place) -> Tensor:
    """|γ| of each channel of the group (width,)."""
    gamma = model.get_submodule(norm.name).get_parameter("weight").detach().abs()
    return torch.stack([gamma[list(places)].sum() for places in norm.indices])
