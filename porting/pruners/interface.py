"""The interfaces of pruning: a criterion says what goes, an engine cuts it out; and what both are asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from porting.pruners.graph import blame
from porting.pruners.groups import ChannelGroup
from profiler.errors import BadInputError

Batches = Sequence[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Request:
    """What to prune: a ratio of the channels in (0, 1), kept widths in multiples of `round_to`.

    `batches` of training images (N, C, H, W) and labels (N) are there for criteria that need gradients.
    Raises `BadInputError` for values that no network can give.
    """

    ratio: float
    round_to: int
    batches: Batches

    def __post_init__(self) -> None:
        if not 0 < self.ratio < 1:
            raise BadInputError(f"ratio {self.ratio:g} cannot be pruned: take one between 0 and 1, such as 0.5")
        if self.round_to < 1:
            raise BadInputError(f"prune.round_to={self.round_to} is no multiple of channels: take 1 or more")
        if not self.batches:
            raise BadInputError("there are no images to prune with: set prune.batches to 1 or more")

    @property
    def example(self) -> Tensor:
        """Two images: with one alone NNI's speed-up cuts nothing (nni#5735)."""
        images, _ = self.batches[0]
        return torch.cat([images[:2], images[:2]])[:2]


class Criterion(Protocol):
    """What is pruned. A score is low for a channel that goes first.

    One float tensor (width,) for each group. Scoring leaves weights, running statistics, `requires_grad` and
    `training` of the network as they were, and depends on no random numbers but torch's.
    """

    def score(self, model: nn.Module, groups: Sequence[ChannelGroup], batches: Batches, /) -> list[Tensor]: ...


# How many channels of each group stay, 1 to all of them, from the groups and their scores.
Policy = Callable[[Sequence[ChannelGroup], Sequence[Tensor], Request], list[int]]


class Pruner(Protocol):
    """How it is cut. `prune` may change `model` and returns a physically smaller network, as wide as the policy says.

    Without one the same share of every group goes (`porting.pruners.widths.uniform`).
    """

    def prune(self, model: nn.Module, request: Request, policy: Policy = ...) -> nn.Module: ...


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def prunes_nothing(model: nn.Module, request: Request) -> BadInputError:
    """The error for a request after which the network would be as large as before."""
    return BadInputError(
        f"ratio {request.ratio:g} with prune.round_to={request.round_to} prunes nothing from "
        f"{type(model).__name__}: ask for a larger ratio or a smaller prune.round_to"
    )


def check_pruned(before: int, model: nn.Module, request: Request) -> None:
    """Raises `BadInputError` where nothing was pruned or the result does not run; `before` counts parameters."""
    if count_parameters(model) >= before:
        raise prunes_nothing(model, request)
    images, _ = request.batches[0]
    name = f"{type(model).__name__} pruned by {request.ratio:g}"
    try:
        with torch.no_grad():
            answers = model.eval()(images)
    except RuntimeError as error:
        raise BadInputError(
            f"{name} does not run ({blame(model, error)}): its code fixes a width that pruning changes"
        ) from error
    if len(answers) != len(images) or not torch.isfinite(answers).all():
        raise BadInputError(f"{name} answers {tuple(answers.shape)} or NaN to {len(images)} images: take other ratios")
