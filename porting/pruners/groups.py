"""Which layers must be pruned together, and how many of their channels stay.

Both engines take the same widths from here, so that they differ in what they choose and in nothing else.
"""

import math
from dataclasses import dataclass

import torch_pruning as tp
from torch import Tensor, nn

from profiler.errors import BadInputError, DnnPortingError

PRUNABLE = (nn.Conv2d, nn.Linear)


@dataclass(frozen=True)
class CoupledLayers:
    """Layers whose output channels are tied, by name; `width` channels of which `keep` stay."""

    names: tuple[str, ...]
    width: int
    keep: int


def kept_width(width: int, ratio: float, round_to: int) -> int:
    """The channels that stay: at least 1 − `ratio` of them, rounded *up* to a multiple of `round_to`.

    Up, as the widths between two plateaus of a runtime cost as much as the wider one or more.
    """
    return min(width, math.ceil(width * (1 - ratio) / round_to - 1e-9) * round_to)


def dependency_graph(model: nn.Module, example: Tensor) -> tp.DependencyGraph:
    """Torch-Pruning's graph; raises `BadInputError` for a network that it cannot trace."""
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise BadInputError("every parameter of the network is frozen, so nothing could be pruned: unfreeze them")
    try:
        return tp.DependencyGraph().build_dependency(model, example_inputs=example)
    except Exception as error:
        # The tracer fails with whatever the network's own operations raise.
        raise BadInputError(f"{type(model).__name__} cannot be traced for pruning: {error}") from error


def coupled_layers(model: nn.Module, graph: tp.DependencyGraph, ratio: float, round_to: int) -> list[CoupledLayers]:
    """The groups of which something is pruned, from the input to the output.

    The classifier's outputs stay, and so do groups that hold a grouped convolution which is not depthwise.
    """
    names = {module: name for name, module in model.named_modules()}
    found = []
    for group in graph.get_all_groups(ignored_layers=[last_layer(model)], root_module_types=list(PRUNABLE)):
        modules = [dependency.target.module for dependency, _ in group]
        if any(isinstance(m, nn.Conv2d) and m.groups not in (1, m.in_channels) for m in modules):
            continue
        width = graph.get_out_channels(modules[0])
        keep = kept_width(width, ratio, round_to)
        tied = [
            dependency.target.module for dependency, _ in group if graph.is_out_channel_pruning_fn(dependency.handler)
        ]
        layers = tuple(dict.fromkeys(names[m] for m in tied if isinstance(m, PRUNABLE)))
        if keep < width:
            found.append(CoupledLayers(layers, width, keep))
    return found


def check_widths(model: nn.Module, groups: list[CoupledLayers]) -> None:
    """Raises `DnnPortingError` where an engine kept another width than it was told to."""
    for group in groups:
        for name in group.names:
            layer = model.get_submodule(name)
            width = layer.out_channels if isinstance(layer, nn.Conv2d) else layer.out_features
            if width != group.keep:
                raise DnnPortingError(
                    f"layer {name} kept {width} of {group.width} channels where {group.keep} were due"
                )


def last_layer(model: nn.Module) -> nn.Module:
    """The classifier: the last convolution or linear layer."""
    layers = [module for module in model.modules() if isinstance(module, PRUNABLE)]
    if not layers:
        raise BadInputError(f"{type(model).__name__} has no convolution or linear layer: there is nothing to prune")
    return layers[-1]
