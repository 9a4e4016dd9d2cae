"""Criteria that estimate the change in loss for a closed channel from the gradients of gates.

A gate multiplies one channel of one sample's input to a layer, and has the value 1. The gradient of a sample's loss
with respect to the gates of a channel, summed over all layers that read it, is the first-order change of the loss with
the gate. It includes the effects of batch normalisation, shortcuts and concatenations.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from porting.pruners.channel_groups import ChannelGroup
from porting.pruners.dependency_graph import serving
from porting.pruners.interface import Batches
from profiler.common.errors import BadInputError


class Taylor:
    """The squared first-order change of the loss of a batch (Molchanov et al. 2019, equation 8), mean over batches."""

    def score(self, model: nn.Module, groups: Sequence[ChannelGroup], batches: Batches) -> list[Tensor]:
        """The means (width,) of each group."""
        squares = [[slope.mean(dim=0).square() for slope in slopes] for slopes in gate_slopes(model, groups, batches)]
        return [torch.stack(of_group).mean(dim=0) for of_group in zip(*squares, strict=True)]


class Hessian:
    """The empirical Fisher information of a channel's gate: the mean over all samples of the squared slope.

    Half of it estimates the growth of the loss for a closed channel, as in optimal brain damage (LeCun et al. 1990)
    with the Fisher information as second derivative (Theis et al. 2018).
    """

    def score(self, model: nn.Module, groups: Sequence[ChannelGroup], batches: Batches) -> list[Tensor]:
        """The means (width,) of each group."""
        squares = [[slope.square() for slope in slopes] for slopes in gate_slopes(model, groups, batches)]
        return [torch.cat(of_group).mean(dim=0) for of_group in zip(*squares, strict=True)]


def gate_slopes(model: nn.Module, groups: Sequence[ChannelGroup], batches: Batches) -> Iterator[list[Tensor]]:
    """Yields for each batch the derivatives of the samples' cross-entropy by the gates of each group (N, width)."""
    names = {consumer.name for group in groups for consumer in group.consumers}
    for images, labels in batches:
        with torch.enable_grad(), serving(model), gated(model, names, len(images)) as gates:
            loss = nn.functional.cross_entropy(model(images), labels, reduction="sum")
        found = dict(zip(gates, torch.autograd.grad(loss, list(gates.values())), strict=True))
        yield [summed_over_consumers(group, found) for group in groups]


def summed_over_consumers(group: ChannelGroup, gradients: dict[str, Tensor]) -> Tensor:
    """The sum of gradients (N, width) over all consumers and all features of a channel."""
    first = gradients[group.consumers[0].name]
    total = first.new_zeros(len(first), group.width)
    for consumer in group.consumers:
        gradient = gradients[consumer.name].flatten(1)
        features = [index for places in consumer.indices for index in places]
        channels = [channel for channel, places in enumerate(consumer.indices) for _ in places]
        total.index_add_(1, torch.tensor(channels, device=first.device), gradient[:, features])
    return total


@contextmanager
def gated(model: nn.Module, names: set[str], samples: int) -> Iterator[dict[str, Tensor]]:
    """The gates of the named layers by layer name, which a run of the network makes and multiplies with the inputs."""
    gates: dict[str, Tensor] = {}
    with ExitStack() as hooks:
        for name in sorted(names):
            hooks.enter_context(model.get_submodule(name).register_forward_pre_hook(gate(name, samples, gates)))
        yield gates


def gate(name: str, samples: int, gates: dict[str, Tensor]) -> Callable[[nn.Module, Any], tuple[Tensor, ...]]:
    """The hook of one layer, with one gate for every sample and input channel, used in all calls of the layer."""

    def multiply(layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        features, *others = inputs
        if len(features) != samples:
            raise BadInputError(
                f"layer {name} reads {len(features)} rows for {samples} images: it mixes images and channels, "
                "so take a criterion without gates, such as l1"
            )
        axis = 1 if isinstance(layer, nn.Conv2d) else features.dim() - 1
        shape = [samples, *(size if place == axis else 1 for place, size in enumerate(features.shape) if place)]
        if name not in gates:
            gates[name] = features.new_ones(shape).requires_grad_()
        return (features * gates[name], *others)

    return multiply
