"""The groups of tied channels of a network, with the layers that scale them and the layers that read them."""

from dataclasses import dataclass

import torch_pruning as tp
from torch import nn
from torch_pruning._helpers import GroupItem

from porting.pruners.dependency_graph import PRUNABLE, can_be_cut, is_depthwise, reads, whole_groups
from profiler.common.errors import BadInputError

Indices = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Place:
    """The channels of a group in a layer, by name: `indices[c]` are the layer's indices of channel c of the group."""

    name: str
    indices: Indices

    @property
    def features(self) -> int:
        """The number of features of one channel in the layer: 1, or the pixels of a flattened image."""
        return len(self.indices[0])


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that can only be pruned together: channel c of every layer in `names`.

    `names` are the convolutions, depthwise ones too, and linear layers that write the channels. `norms` are the batch
    normalisations that scale them, `consumers` the convolutions and linear layers that read them. A concatenation
    shifts the indices of a consumer, and flattening makes several features of one channel. At least `least` channels
    stay: two of a depthwise convolution, as a convolution of one channel is not depthwise any more.
    """

    names: tuple[str, ...]
    width: int
    norms: tuple[Place, ...]
    consumers: tuple[Place, ...]
    least: int = 1


def channel_groups(model: nn.Module, graph: tp.DependencyGraph) -> list[ChannelGroup]:
    """The groups that can be pruned, in the order of the network's layers; raises `BadInputError` where there are none.

    Other groups contain outputs of the network, a frozen layer, a grouped convolution that is not depthwise, or a
    layer that writes or reads only a part of the channels.
    """
    order = {name: place for place, (name, _) in enumerate(model.named_modules())}
    names = {module: name for name, module in model.named_modules()}
    found = [channel_group_of(group, graph, names) for group in whole_groups(model, graph) if can_be_cut(group, graph)]
    whole = [group for group in found if is_whole(model, group)]
    if not whole:
        raise BadInputError(
            f"{type(model).__name__} has no channels that can be pruned: all of them are its outputs, frozen, "
            "of grouped convolutions or only partly tied: take another backbone, or unfreeze it"
        )
    return sorted(whole, key=lambda group: order[group.names[0]])


def channel_group_of(
    group: tp.dependency.Group, graph: tp.DependencyGraph, names: dict[nn.Module, str]
) -> ChannelGroup:
    """The channel group of a group of Torch-Pruning."""
    width = len(group[0].idxs)
    tied: list[str] = []
    norms, consumers, least = [], [], 1
    for item in group:
        layer = item.dep.target.module
        if isinstance(layer, PRUNABLE) and reads(item, graph):
            consumers.append(Place(names[layer], indices_of(item, width)))
        elif isinstance(layer, PRUNABLE):
            tied.append(names[layer])
            least = max(least, 2 if is_depthwise(layer) else 1)
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.affine:
            norms.append(Place(names[layer], indices_of(item, width)))
    position = {name: place for place, name in enumerate(names.values())}
    return ChannelGroup(tuple(sorted(tied, key=position.__getitem__)), width, tuple(norms), tuple(consumers), least)


def indices_of(item: GroupItem, width: int) -> Indices:
    """The indices in the layer, for each channel of the group."""
    found: list[list[int]] = [[] for _ in range(width)]
    for index, root in zip(item.idxs, item.root_idxs, strict=True):
        found[root].append(index)
    return tuple(tuple(places) for places in found)


def is_whole(model: nn.Module, group: ChannelGroup) -> bool:
    """Whether the tied layers have no other channels, and every consumer reads all channels of the group."""
    widths = {channels(model.get_submodule(name))[1] for name in group.names}
    read = [{len(places) for places in consumer.indices} for consumer in group.consumers]
    return widths == {group.width} and bool(read) and all(len(features) == 1 and 0 not in features for features in read)


def channels(layer: nn.Module) -> tuple[int, int]:
    """The numbers of input and output channels."""
    if isinstance(layer, nn.Conv2d):
        return layer.in_channels, layer.out_channels
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    features = int(layer.num_features)  # type: ignore[arg-type]
    return features, features
