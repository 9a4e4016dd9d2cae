"""Filter pruning via geometric median (He et al. 2019)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from porting.pruners.criteria.filters import tied_filters
from porting.pruners.groups import ChannelGroup
from porting.pruners.interface import Batches


class FPGM:
    """The sum of a filter's Euclidean distances to all others: the nearest to the rest is replaced by it best.

    Filters of tied layers count as one.
    """

    def score(self, model: nn.Module, groups: Sequence[ChannelGroup], _: Batches) -> list[Tensor]:
        return [distances(tied_filters(model, group)) for group in groups]


def distances(points: Tensor) -> Tensor:
    """(width,) from (width, weights); without the matrix product that loses the digits of small distances."""
    return torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").sum(dim=1)
