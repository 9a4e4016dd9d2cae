"""Torch-Pruning's dependency graph (Fang et al. 2023) and groups of a network, and the layer that raised an error."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch_pruning as tp
from torch import Tensor, nn
from torch_pruning._helpers import GroupItem
from torch_pruning.dependency.node import Node

from profiler.common.errors import BadInputError

PRUNABLE = (nn.Conv2d, nn.Linear)
# Layers whose channels no criterion here can score and no manifest can hold.
OTHERS = (nn.modules.conv._ConvNd, nn.Embedding, nn.LSTM, nn.MultiheadAttention)


def dependency_graph(model: nn.Module, example: Tensor) -> tp.DependencyGraph:
    """The graph of a run over `example` (N, C, H, W), traced by autograd.

    Raises `BadInputError` where all parameters are frozen, and for a network that cannot be traced.
    """
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise BadInputError("every parameter of the network is frozen, so nothing could be pruned: unfreeze them")
    try:
        with torch.enable_grad(), serving(model), unfrozen(model):
            return tp.DependencyGraph().build_dependency(model, example, lambda m, x: m(x), verbose=False)
    except Exception as error:
        # The network's own operations may raise any error.
        raise BadInputError(
            f"{type(model).__name__} cannot be traced for pruning: {cause_of(model, error)}: change its code, "
            "or prune another backbone"
        ) from error


def cause_of(model: nn.Module, error: BaseException) -> str:
    """One line with the error and the layer that raised it, or the layer before the operation that raised it."""
    names = {module: name or "itself" for name, module in model.named_modules()}
    frames = [frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__)]
    inside = [frame["self"] for frame in frames if isinstance(frame.get("self"), nn.Module) and frame["self"] in names]
    nodes = [value for frame in frames for value in frame.values() if isinstance(value, Node)]
    reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if inside:
        return f"module {names[inside[-1]]} ({type(inside[-1]).__name__}) raises {reason}"
    before = layer_before(nodes[-1], names) if nodes else None
    return f"an operation after module {names[before]} raises {reason}" if before is not None else reason


def layer_before(node: Node, names: dict[nn.Module, str]) -> nn.Module | None:
    """The nearest layer upstream of an operation, as operations have no names."""
    seen, waiting = {node}, [node]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node.module, nn.Module) and node.module in names:
            return node.module
        waiting += [before for before in node.inputs if before not in seen]
        seen.update(node.inputs)
    return None


def whole_groups(model: nn.Module, graph: tp.DependencyGraph) -> Iterator[tp.dependency.Group]:
    """Yields the groups of Torch-Pruning, each with all of its channels."""
    seen: set[nn.Module] = set()
    for layer in [module for module in graph.module2node if isinstance(module, PRUNABLE)]:
        if layer in seen:
            continue
        every = list(range(graph.get_out_channels(layer)))
        try:
            group = graph.get_pruning_group(layer, graph.get_pruner_of_module(layer).prune_out_channels, every)
        except Exception as error:
            # Torch-Pruning fails on operations through which it cannot follow indices.
            name = next(name for name, module in model.named_modules() if module is layer)
            raise BadInputError(
                f"{type(model).__name__} cannot be traced for pruning: the channels of module {name} cannot be "
                f"followed ({cause_of(model, error)}): change its code, or prune another backbone"
            ) from error
        seen.update(item.dep.target.module for item in group if not reads(item, graph))
        yield group


def reads(item: GroupItem, graph: tp.DependencyGraph) -> bool:
    """Whether the layer consumes the channels; a depthwise convolution or a normalisation passes them on."""
    return not graph.is_out_channel_pruning_fn(item.dep.handler)


def can_be_cut(group: tp.dependency.Group, graph: tp.DependencyGraph) -> bool:
    """Whether pruning the group changes no output of the network and no grouped or frozen layer."""
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
    """Whether the layer is a convolution of several channels with one filter for each channel."""
    return isinstance(layer, nn.Conv2d) and 1 < layer.groups == layer.in_channels == layer.out_channels


@contextmanager
def serving(model: nn.Module) -> Iterator[None]:
    """Sets every layer to evaluation mode, and restores its mode afterwards."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, was in training.items():
            module.training = was


@contextmanager
def unfrozen(model: nn.Module) -> Iterator[None]:
    """Gives every parameter a gradient, as autograd does not see frozen layers."""
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)
