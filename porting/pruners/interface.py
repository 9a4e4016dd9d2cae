"""The interfaces of pruning: criterion, policy and pruner, the request to a pruner, and the check of its result."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from porting.pruners.channel_groups import ChannelGroup
from porting.pruners.dependency_graph import cause_of
from profiler.common.errors import BadInputError

Batches = Sequence[tuple[Tensor, Tensor]]


class Policy(Protocol):
    """A rule for how many channels of each group stay; its text states the aim."""

    def widths(
        self, model: nn.Module, groups: Sequence[ChannelGroup], scores: Sequence[Tensor], example: Tensor, /
    ) -> list[int]:
        """The width to keep of each group, from the scores (width,); `example` (N, C, H, W) is an input."""


@dataclass(frozen=True)
class Request:
    """A policy, and training images (N, C, H, W) with labels (N) for criteria that need gradients.

    Raises `BadInputError` for no images.
    """

    policy: Policy
    batches: Batches

    def __post_init__(self) -> None:
        if not self.batches:
            raise BadInputError("there are no images to prune with: set prune.scoring_batches to 1 or more")

    @property
    def example(self) -> Tensor:
        """Two images, as the speed-up of NNI cuts nothing for a single one (nni#5735)."""
        images, _ = self.batches[0]
        return torch.cat([images[:2], images[:2]])[:2]


class Criterion(Protocol):
    """A rule for which channels go first."""

    def score(self, model: nn.Module, groups: Sequence[ChannelGroup], batches: Batches, /) -> list[Tensor]:
        """One float tensor (width,) for each group; channels with low scores go first.

        Weights, running statistics, `requires_grad` and `training` of the network stay unchanged. All random numbers
        are torch's.
        """


class Pruner(Protocol):
    """An engine that cuts channels out of a network."""

    def prune(self, model: nn.Module, request: Request) -> nn.Module:
        """A physically smaller network with the widths of the policy; `model` itself may change."""


def count_parameters(model: nn.Module) -> int:
    """The number of parameters of a network."""
    return sum(parameter.numel() for parameter in model.parameters())


class NothingPrunedError(BadInputError):
    """The network already has the widths of the policy."""


def prunes_nothing(model: nn.Module, request: Request) -> NothingPrunedError:
    """The error for a request that leaves the network as large as before."""
    return NothingPrunedError(
        f"{request.policy} prunes nothing from {type(model).__name__}: ask for more, or for a smaller prune.round_to"
    )


def check_pruned(before: int, model: nn.Module, request: Request) -> None:
    """Raises `NothingPrunedError` for `before` parameters or more, `BadInputError` for a network that does not run."""
    if count_parameters(model) >= before:
        raise prunes_nothing(model, request)
    images, _ = request.batches[0]
    name = f"{type(model).__name__} pruned to {request.policy}"
    try:
        with torch.no_grad():
            answers = model.eval()(images)
    except RuntimeError as error:
        raise BadInputError(
            f"{name} does not run ({cause_of(model, error)}): its code fixes a width that pruning changes"
        ) from error
    if len(answers) != len(images) or not torch.isfinite(answers).all():
        raise BadInputError(f"{name} answers {tuple(answers.shape)} or NaN to {len(images)} images: take other ratios")
