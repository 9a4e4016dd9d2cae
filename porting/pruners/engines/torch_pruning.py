"""The engine on Torch-Pruning's dependency graph, and the plan of cuts that both engines follow."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from porting.pruners.channel_groups import ChannelGroup, channel_groups, channels
from porting.pruners.dependency_graph import dependency_graph
from porting.pruners.interface import Criterion, Request, prunes_nothing
from profiler.common.errors import BadInputError, DnnPortingError


class TorchPruning:
    """Pruning with any criterion; raises `ValueError` for an object without `score`."""

    def __init__(self, criterion: Criterion) -> None:
        if not callable(getattr(criterion, "score", None)):
            raise ValueError(
                f"criterion {criterion!r} has no score(): name one by its path, such as "
                "criterion: {_target_: porting.pruners.criteria.gates.Taylor}"
            )
        self.criterion = criterion

    def prune(self, model: nn.Module, request: Request) -> nn.Module:
        """Cuts the network in place, and returns it."""
        graph = dependency_graph(model, request.example)
        cuts = planned(model, channel_groups(model, graph), self.criterion, request)
        for cut in cuts:
            root = model.get_submodule(cut.group.names[0])
            prune_channels = graph.get_pruner_of_module(root).prune_out_channels
            graph.get_pruning_group(root, prune_channels, cut.dropped).prune()
        check_widths(model, cuts)
        return model


@dataclass(frozen=True)
class Cut:
    """A group that keeps `keep` channels, 1 to width - 1, with a score for each channel (width,)."""

    group: ChannelGroup
    keep: int
    scores: Tensor

    @property
    def dropped(self) -> list[int]:
        """The channels with the lowest scores, and the first of equal ones."""
        order: list[int] = self.scores.argsort(stable=True).tolist()
        return sorted(order[: self.group.width - self.keep])


def planned(model: nn.Module, groups: Sequence[ChannelGroup], criterion: Criterion, request: Request) -> list[Cut]:
    """The cuts of all groups that lose channels.

    Raises `NothingPrunedError` for none, and `BadInputError` for wrong scores.
    """
    scores = criterion.score(model, groups, request.batches)
    check_scores(type(criterion).__name__, groups, scores)
    widths = request.policy.widths(model, groups, scores, request.example)
    cuts = []
    for group, keep, score in zip(groups, widths, scores, strict=True):
        if not group.least <= keep <= group.width:
            raise DnnPortingError(f"layer {group.names[0]} cannot keep {keep} of {group.width} channels")
        if keep < group.width:
            cuts.append(Cut(group, keep, score))
    if not cuts:
        raise prunes_nothing(model, request)
    return cuts


def check_scores(name: str, groups: Sequence[ChannelGroup], scores: Sequence[Tensor]) -> None:
    """Raises `BadInputError` where a channel has no finite score."""
    if len(scores) != len(groups):
        raise BadInputError(f"criterion {name} scores {len(scores)} groups of {len(groups)}: give each one tensor")
    for group, score in zip(groups, scores, strict=True):
        if score.shape != (group.width,) or not torch.isfinite(score).all():
            raise BadInputError(
                f"criterion {name} gives layer {group.names[0]} scores of shape {tuple(score.shape)}, or NaN: "
                f"give it {group.width} finite numbers"
            )


def check_widths(model: nn.Module, cuts: Sequence[Cut]) -> None:
    """Raises `DnnPortingError` where an engine did not keep the planned width."""
    for cut in cuts:
        for name in cut.group.names:
            _, width = channels(model.get_submodule(name))
            if width != cut.keep:
                raise DnnPortingError(
                    f"layer {name} kept {width} of {cut.group.width} channels where {cut.keep} were due"
                )
