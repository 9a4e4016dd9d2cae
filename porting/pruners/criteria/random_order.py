"""No criterion at all: what every other one must beat."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from porting.pruners.groups import ChannelGroup
from porting.pruners.interface import Batches


class Random:
    """Uniform random scores in [0, 1), the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def score(self, _: nn.Module, groups: Sequence[ChannelGroup], __: Batches) -> list[Tensor]:
        generator = torch.Generator().manual_seed(self.seed)
        return [torch.rand(group.width, generator=generator) for group in groups]
