"""The size of a channel's filters: L1 (Li et al. 2017) or L2."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from porting.pruners.criteria.filters import filters
from porting.pruners.groups import ChannelGroup
from porting.pruners.interface import Batches


class Norm:
    """The sum over the tied layers of the filter's p-norm; raises `ValueError` for a `p` that is not 1 or 2."""

    def __init__(self, p: int) -> None:
        if p not in (1, 2):
            raise ValueError(f"p={p!r} is no norm that is known here: choose 1 or 2")
        self.p = p

    def score(self, model: nn.Module, groups: Sequence[ChannelGroup], _: Batches) -> list[Tensor]:
        return [sum_of_norms([filters(model, name) for name in group.names], self.p) for group in groups]


def sum_of_norms(layers: list[Tensor], p: int) -> Tensor:
    """(width,) from the filters (width, weights) of each layer."""
    return torch.stack([layer.norm(p, dim=1) for layer in layers]).sum(dim=0)
