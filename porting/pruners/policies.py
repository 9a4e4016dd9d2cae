"""The policies: the same share of all groups, or the widths that keep the most saliency within a latency."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from porting.pruners.channel_groups import ChannelGroup
from porting.pruners.latency_budget import offered, widths_within
from porting.pruners.measured_costs import MeasuredCosts
from profiler.common.errors import BadInputError


@dataclass(frozen=True)
class Uniform:
    """Removes the same share of every group and rounds the kept width up to a multiple of `round_to`.

    The share relates to the widths `whole` of the unpruned network, where the network to cut is pruned already.
    """

    ratio: float
    round_to: int
    whole: Sequence[int] = ()

    def __post_init__(self) -> None:
        check_ratio(self.ratio)
        if self.round_to < 1:
            raise BadInputError(f"prune.round_to={self.round_to} is no multiple of channels: take 1 or more")

    def __str__(self) -> str:
        return f"ratio {self.ratio:g} with prune.round_to={self.round_to}"

    def widths(self, _: nn.Module, groups: Sequence[ChannelGroup], __: Sequence[Tensor], ___: Tensor, /) -> list[int]:
        """The width to keep of each group."""
        full = whole_widths(self.whole, groups)
        kept = [kept_width(width, self.ratio, self.round_to) for width in full]
        return [min(max(width, group.least), group.width) for width, group in zip(kept, groups, strict=True)]


@dataclass(frozen=True)
class UniformOnPlateaus:
    """Removes the same share of every group and keeps the fastest width that is at least as large."""

    ratio: float
    costs: MeasuredCosts
    whole: Sequence[int] = ()

    def __post_init__(self) -> None:
        check_ratio(self.ratio)

    def __str__(self) -> str:
        return f"ratio {self.ratio:g} on measured plateaus"

    def widths(
        self, model: nn.Module, groups: Sequence[ChannelGroup], _: Sequence[Tensor], example: Tensor, /
    ) -> list[int]:
        """The width to keep of each group; `example` (N, C, H, W) is an input."""
        now, full = [group.width for group in groups], whole_widths(self.whole, groups)
        costs = self.costs.of(model, groups, example, full)
        asked = [min(kept_width(width, self.ratio, 1), most) for width, most in zip(full, now, strict=True)]
        edges = offered(costs, now, costs.step)
        return [min(one for one in known if one >= least) for known, least in zip(edges, asked, strict=True)]


@dataclass(frozen=True)
class WithinLatency:
    """Keeps the most saliency within a `share` of the latency of the unpruned network."""

    share: float
    costs: MeasuredCosts
    whole: Sequence[int] = ()

    def __str__(self) -> str:
        return f"{self.share:.1%} of the latency"

    def widths(
        self, model: nn.Module, groups: Sequence[ChannelGroup], scores: Sequence[Tensor], example: Tensor, /
    ) -> list[int]:
        """The width to keep of each group, from the scores (width,); `example` (N, C, H, W) is an input."""
        full = whole_widths(self.whole, groups)
        costs = self.costs.of(model, groups, example, full)
        worth = [score.double().numpy().astype(np.float64) for score in scores]
        return widths_within(worth, costs, self.share * costs.us(full), costs.step)


def whole_widths(whole: Sequence[int], groups: Sequence[ChannelGroup]) -> list[int]:
    """The widths of the groups in the unpruned network; an empty `whole` means the present widths.

    Raises `BadInputError` where the network cannot have been cut from these widths.
    """
    now = [group.width for group in groups]
    full = list(whole) or now
    if len(full) != len(now) or any(width > most for width, most in zip(now, full, strict=True)):
        raise BadInputError(f"a network of widths {now} was not cut from one of widths {full}: prune the latter again")
    return full


def check_ratio(ratio: float) -> None:
    """Raises `BadInputError` for a share that is not between 0 and 1."""
    if not 0 < ratio < 1:
        raise BadInputError(f"ratio {ratio:g} cannot be pruned: take one between 0 and 1, such as 0.5")


def kept_width(width: int, ratio: float, round_to: int) -> int:
    """The number of channels that stay: at least 1 − `ratio` of them, rounded up to a multiple of `round_to`.

    A width between two plateaus of a runtime costs at least as much as the wider one, so rounding up is free.
    """
    return min(width, math.ceil(width * (1 - ratio) / round_to - 1e-9) * round_to)
