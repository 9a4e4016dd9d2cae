"""The engine on Torch-Pruning's dependency graph: scores a group as a whole, over all layers it ties together."""

import torch_pruning as tp
from torch import nn

from porting.pruners.groups import check_widths, coupled_layers, dependency_graph
from porting.pruners.interface import Request, accumulate_gradients, checked_criterion

IMPORTANCES = {
    "taylor": tp.importance.GroupTaylorImportance,
    "l1": lambda: tp.importance.GroupMagnitudeImportance(p=1),
    "fpgm": lambda: tp.importance.FPGMImportance(p=2),
}


class TorchPruning:
    """Taylor (Molchanov et al. 2019), L1 (Li et al. 2017) or FPGM (He et al. 2019), one shot, each group by itself."""

    def __init__(self, criterion: str) -> None:
        self.criterion = checked_criterion(criterion)

    def prune(self, model: nn.Module, request: Request) -> nn.Module:
        example = request.batches[0][0][:2]
        graph = dependency_graph(model, example)
        if self.criterion == "taylor":
            accumulate_gradients(model, request.batches)
        importance = IMPORTANCES[self.criterion]()
        modules = dict(model.named_modules())
        groups = coupled_layers(model, graph, request.ratio, request.round_to)
        for coupled in groups:
            root = modules[coupled.names[0]]
            prune_channels = graph.get_pruner_of_module(root).prune_out_channels
            everything = graph.get_pruning_group(root, prune_channels, list(range(coupled.width)))
            scores = importance(everything)
            least = scores.argsort()[: coupled.width - coupled.keep].tolist()
            graph.get_pruning_group(root, prune_channels, sorted(least)).prune()
        check_widths(model, groups)
        model.zero_grad(set_to_none=True)
        return model
