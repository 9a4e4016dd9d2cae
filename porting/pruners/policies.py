"""How many channels of each group stay: the same share of all, or what keeps most saliency within a latency."""

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
    """The same share of every group goes, whatever its scores; what stays is rounded up to a multiple.

    The share is that of the `whole` network's widths, where the one to be cut is pruned already.
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
        full = whole_widths(self.whole, groups)
        kept = [kept_width(width, self.ratio, self.round_to) for width in full]
        return [min(max(width, group.least), group.width) for width, group in zip(kept, groups, strict=True)]


@dataclass(frozen=True)
class UniformOnPlateaus:
    """The same share of every group goes; of the widths that are at least as large the quickest stays."""

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
        now, full = [group.width for group in groups], whole_widths(self.whole, groups)
        costs = self.costs.of(model, groups, example, full)
        asked = [min(kept_width(width, self.ratio, 1), most) for width, most in zip(full, now, strict=True)]
        edges = offered(costs.network, now, costs.step)
        return [min(one for one in known if one >= least) for known, least in zip(edges, asked, strict=True)]


@dataclass(frozen=True)
class WithinLatency:
    """At most `share` of the whole network's latency, and within it the channels that are worth most."""

    share: float
    costs: MeasuredCosts
    whole: Sequence[int] = ()

    def __str__(self) -> str:
        return f"{self.share:.1%} of the latency"

    def widths(
        self, model: nn.Module, groups: Sequence[ChannelGroup], scores: Sequence[Tensor], example: Tensor, /
    ) -> list[int]:
        full = whole_widths(self.whole, groups)
        costs = self.costs.of(model, groups, example, full)
        whole_us = costs.network.us(full)
        worth = [score.double().numpy().astype(np.float64) for score in scores]
        return widths_within(worth, costs.network, self.share * whole_us, costs.step)


def whole_widths(whole: Sequence[int], groups: Sequence[ChannelGroup]) -> list[int]:
    """The widths of the unpruned network's groups, which are those of the network itself where none are told.

    Raises `BadInputError` where they cannot be its.
    """
    now = [group.width for group in groups]
    full = list(whole) or now
    if len(full) != len(now) or any(width > most for width, most in zip(now, full, strict=True)):
        raise BadInputError(f"a network of widths {now} was not cut from one of widths {full}: prune that one again")
    return full


def check_ratio(ratio: float) -> None:
    """Raises `BadInputError` for a share that no network can give."""
    if not 0 < ratio < 1:
        raise BadInputError(f"ratio {ratio:g} cannot be pruned: take one between 0 and 1, such as 0.5")


def kept_width(width: int, ratio: float, round_to: int) -> int:
    """The channels that stay: at least 1 − `ratio` of them, rounded *up* to a multiple of `round_to`.

    Up, as the widths between two plateaus of a runtime cost as much as the wider one or more.
    """
    return min(width, math.ceil(width * (1 - ratio) / round_to - 1e-9) * round_to)
