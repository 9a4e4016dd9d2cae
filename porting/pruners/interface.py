"""The interfaces of pruning: a criterion says what goes, an engine cuts it out; and what both are asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from porting.pruners.channel_groups import ChannelGroup
from porting.pruners.dependency_graph import blame
from profiler.common.errors import BadInputError

Batches = Sequence[tuple[Tensor, Tensor]]


class Policy(Protocol):
    """How many channels of each group of a network stay; as text it says what was asked."""

    def widths(
        self, model: nn.Module, groups: Sequence[ChannelGroup], scores: Sequence[Tensor], example: Tensor, /
    ) -> list[int]:
        """1 to all channels of each group, from their scores (width,); `example` (N, C, H, W) is an input."""


@dataclass(frozen=True)
class Request:
    """What to prune: as much as the policy says.

    `batches` of training images (N, C, H, W) and labels (N) are there for criteria that need gradients; raises
    `BadInputError` where there are none.
    """

    policy: Policy
    batches: Batches

    def __post_init__(self) -> None:
        if not self.batches:
            raise BadInputError("there are no images to prune with: set prune.scoring_batches to 1 or more")

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


class Pruner(Protocol):
    """How it is cut: `prune` may change `model` and returns a physically smaller network, as wide as was asked."""

    def prune(self, model: nn.Module, request: Request) -> nn.Module: ...


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


class NothingPrunedError(BadInputError):
    """A network is as narrow already as was asked."""


def prunes_nothing(model: nn.Module, request: Request) -> NothingPrunedError:
    """The error for a request after which the network would be as large as before."""
    return NothingPrunedError(
        f"{request.policy} prunes nothing from {type(model).__name__}: ask for more, or for a smaller prune.round_to"
    )


def check_pruned(before: int, model: nn.Module, request: Request) -> None:
    """Raises `NothingPrunedError`, or `BadInputError` where the result does not run; `before` counts parameters."""
    if count_parameters(model) >= before:
        raise prunes_nothing(model, request)
    images, _ = request.batches[0]
    name = f"{type(model).__name__} pruned to {request.policy}"
    try:
        with torch.no_grad():
            answers = model.eval()(images)
    except RuntimeError as error:
        raise BadInputError(
            f"{name} does not run ({blame(model, error)}): its code fixes a width that pruning changes"
        ) from error
    if len(answers) != len(images) or not torch.isfinite(answers).all():
        raise BadInputError(f"{name} answers {tuple(answers.shape)} or NaN to {len(images)} images: take other ratios")
