"""Torch-Pruning's groups of a network, and which of them can be cut."""

from collections.abc import Iterator

import torch_pruning as tp
from torch import nn
from torch_pruning._helpers import GroupItem

from porting.pruners.graph import blame
from profiler.common.errors import BadInputError

PRUNABLE = (nn.Conv2d, nn.Linear)
# Layers with channels of their own that no criterion here can score and no manifest can hold.
OTHERS = (nn.modules.conv._ConvNd, nn.Embedding, nn.LSTM, nn.MultiheadAttention)


def whole_groups(model: nn.Module, graph: tp.DependencyGraph) -> Iterator[tp.dependency.Group]:
    """Torch-Pruning's groups, each with all of its channels."""
    seen: set[nn.Module] = set()
    for layer in [module for module in graph.module2node if isinstance(module, PRUNABLE)]:
        if layer in seen:
            continue
        every = list(range(graph.get_out_channels(layer)))
        try:
            group = graph.get_pruning_group(layer, graph.get_pruner_of_module(layer).prune_out_channels, every)
        except Exception as error:
            # It follows indices through operations that it only partly knows.
            name = next(name for name, module in model.named_modules() if module is layer)
            raise BadInputError(
                f"{type(model).__name__} cannot be traced for pruning: the channels of module {name} cannot be "
                f"followed ({blame(model, error)}): change its code, or prune another backbone"
            ) from error
        seen.update(item.dep.target.module for item in group if not reads(item, graph))
        yield group


def reads(item: GroupItem, graph: tp.DependencyGraph) -> bool:
    """Whether the channels end in this layer: a depthwise convolution or a normalisation passes them on."""
    return not graph.is_out_channel_pruning_fn(item.dep.handler)


def can_be_cut(group: tp.dependency.Group, graph: tp.DependencyGraph) -> bool:
    """Whether pruning it leaves the network's outputs and every grouped or frozen layer alone."""
    for item in group:
        node = item.dep.target
        layer = node.module
        tied = not reads(item, graph)
        if tied and not node.outputs:
            return False
        if isinstance(layer, OTHERS) and not isinstance(layer, PRUNABLE):
            return False
        if isinstance(layer, nn.Conv2d) and not (layer.groups == 1 or is_depthwise(layer)):
            return False
        if tied and isinstance(layer, PRUNABLE) and not layer.weight.requires_grad:
            return False
    return True


def is_depthwise(layer: nn.Module) -> bool:
    """Whether it is a convolution with a filter for each channel; one of a single channel is as any other."""
    return isinstance(layer, nn.Conv2d) and 1 < layer.groups == layer.in_channels == layer.out_channels
