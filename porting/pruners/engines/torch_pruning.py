"""The engine on Torch-Pruning's dependency graph, which cuts a group's channels out of all layers that hold them."""

from torch import nn

from porting.pruners.channel_groups import channel_groups
from porting.pruners.dependency_graph import dependency_graph
from porting.pruners.engines.cuts import check_widths, planned
from porting.pruners.interface import Criterion, Request


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
