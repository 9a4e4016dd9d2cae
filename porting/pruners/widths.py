"""The policy of one ratio for all: how many channels of each group stay, whatever criterion and engine."""

import math
from collections.abc import Sequence

from torch import Tensor

from porting.pruners.groups import ChannelGroup
from porting.pruners.interface import Request


def uniform(groups: Sequence[ChannelGroup], _: Sequence[Tensor], request: Request) -> list[int]:
    """The same share of every group, whatever its scores."""
    return [kept_width(group.width, request.ratio, request.round_to) for group in groups]


def kept_width(width: int, ratio: float, round_to: int) -> int:
    """The channels that stay: at least 1 − `ratio` of them, rounded *up* to a multiple of `round_to`.

    Up, as the widths between two plateaus of a runtime cost as much as the wider one or more.
    """
    return min(width, math.ceil(width * (1 - ratio) / round_to - 1e-9) * round_to)
