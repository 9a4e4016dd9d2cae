"""Torch-Pruning's dependency graph (Fang et al. 2023) of a network, and who is to blame where there is none."""

import traceback

import torch
import torch_pruning as tp
from torch import Tensor, nn
from torch_pruning.dependency.node import Node

from porting.pruners.borrowed import serving, unfrozen
from profiler.common.errors import BadInputError


def dependency_graph(model: nn.Module, example: Tensor) -> tp.DependencyGraph:
    """The graph that autograd gives of a run over `example` (N, C, H, W).

    Raises `BadInputError` where everything is frozen, and for a network that cannot be traced.
    """
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise BadInputError("every parameter of the network is frozen, so nothing could be pruned: unfreeze them")
    try:
        with torch.enable_grad(), serving(model), unfrozen(model):
            return tp.DependencyGraph().build_dependency(model, example, lambda m, x: m(x), verbose=False)
    except Exception as error:
        # The tracer fails with whatever the network's own operations raise.
        raise BadInputError(
            f"{type(model).__name__} cannot be traced for pruning: {blame(model, error)}: change its code, "
            "or prune another backbone"
        ) from error


def blame(model: nn.Module, error: BaseException) -> str:
    """Which layer of the network raised an error, or is followed by what did, and what it says, in one line."""
    names = {module: name or "itself" for name, module in model.named_modules()}
    frames = [frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__)]
    inside = [frame["self"] for frame in frames if isinstance(frame.get("self"), nn.Module) and frame["self"] in names]
    nodes = [value for frame in frames for value in frame.values() if isinstance(value, Node)]
    reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if inside:
        return f"module {names[inside[-1]]} ({type(inside[-1]).__name__}) raises {reason}"
    before = layer_before(nodes[-1], names) if nodes else None
    return f"what follows module {names[before]} raises {reason}" if before is not None else reason


def layer_before(node: Node, names: dict[nn.Module, str]) -> nn.Module | None:
    """The nearest layer upstream of an operation, which itself has no name."""
    seen, waiting = {node}, [node]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node.module, nn.Module) and node.module in names:
            return node.module
        waiting += [before for before in node.inputs if before not in seen]
        seen.update(node.inputs)
    return None
