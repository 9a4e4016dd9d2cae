"""The latency of a network as a function of its widths: the sum of the measured times of its operators."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from porting.pruners.channel_groups import ChannelGroup, channels
from porting.pruners.dependency_graph import is_depthwise, serving
from profiler.operators.measuring import Wanted
from profiler.operators.operator import Operator, Place
from profiler.operators.table import OperatorTimes

Widths = Sequence[int]
TIMED = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)


@dataclass(frozen=True)
class Axis:
    """The number of channels of a layer: fixed ones, and those of groups as pairs (group, features of a channel)."""

    fixed: int
    groups: tuple[tuple[int, int], ...] = ()

    def channels(self, widths: Widths) -> int:
        """The number of channels at these widths of the groups."""
        return self.fixed + sum(widths[group] * features for group, features in self.groups)


@dataclass(frozen=True)
class PlacedLayer:
    """An operator with its input and output channels."""

    operator: Operator
    before: Axis
    after: Axis

    def has(self, group: int) -> bool:
        """Whether the layer reads or writes channels of this group."""
        return any(group == one for axis in (self.before, self.after) for one, _ in axis.groups)

    def place(self, widths: Widths) -> Place:
        """The entry of the operator table at these widths of the groups."""
        return self.operator, self.before.channels(widths), self.after.channels(widths)


def placed_layers(model: nn.Module, groups: Sequence[ChannelGroup], example: Tensor) -> list[PlacedLayer]:
    """Every convolution, linear layer and separate batch normalisation that runs on `example` (N, C, H, W)."""
    writers = {name: place for place, group in enumerate(groups) for name in group.names}
    readers: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, group in enumerate(groups):
        for reader in (*group.consumers, *group.norms):
            readers[reader.name].append((place, reader.features))
    found = []
    for name, module, operator in operators(model, example):
        before, after = channels(module)
        written = (writers[name], 1) if name in writers else None
        # A depthwise convolution reads the channels that it writes.
        read = (written,) if operator.kind == "depthwise" and written else tuple(readers[name])
        known = sum(groups[place].width * features for place, features in read)
        source = Axis(before - known, read)
        result = source if operator.keeps_width else Axis(0, (written,)) if written else Axis(after)
        found.append(PlacedLayer(operator, source, result))
    return found


def operators(model: nn.Module, example: Tensor) -> list[tuple[str, nn.Module, Operator]]:
    """The timed layers in the order in which they run, each as an operator with the size of its input."""
    found: list[tuple[str, nn.Module, Operator]] = []
    convolved: set[int] = set()
    kept: list[Tensor] = []

    def note(name: str, layer: nn.Module, inputs: tuple[Tensor, ...], named: dict[str, Tensor], output: Tensor) -> None:
        images = inputs[0] if inputs else next(iter(named.values()))
        # A runtime fuses a batch normalisation into the convolution directly before it.
        if not (isinstance(layer, nn.BatchNorm2d) and id(images) in convolved):
            found.append((name, layer, operator_of(layer, images)))
        if isinstance(layer, nn.Conv2d):
            convolved.add(id(output))
            # A tensor that is kept alive keeps its id to itself.
            kept.append(output)

    with torch.no_grad(), serving(model), ExitStack() as hooks:
        for name, layer in model.named_modules():
            if isinstance(layer, TIMED):
                hooks.enter_context(layer.register_forward_hook(partial(note, name), with_kwargs=True))
        model(example)
    return found


def operator_of(layer: nn.Module, images: Tensor) -> Operator:
    """The key of the operator table for this layer on this input."""
    if isinstance(layer, nn.Linear):
        return Operator(kind="linear")
    height, width = images.shape[-2:]
    if not isinstance(layer, nn.Conv2d):
        return Operator(kind="norm", height=height, width=width)
    depthwise = is_depthwise(layer)
    return Operator(
        kind="depthwise" if depthwise else "convolution",
        kernel=pair(layer.kernel_size), stride=pair(layer.stride), pads=pads_of(layer), dilation=pair(layer.dilation),
        groups=1 if depthwise else layer.groups, height=height, width=width,
    )  # fmt: skip


def pair(sizes: tuple[int, ...]) -> tuple[int, int]:
    """The sizes as rows and columns."""
    rows, columns = sizes
    return rows, columns


def pads_of(layer: nn.Conv2d) -> tuple[int, int, int, int]:
    """The padding at the top, left, bottom and right."""
    if layer.padding == "same":
        # torch puts the larger half of an odd padding at the end.
        rows, columns = (step * (side - 1) for side, step in zip(layer.kernel_size, layer.dilation, strict=True))
        return rows // 2, columns // 2, rows - rows // 2, columns - columns // 2
    rows, columns = (0, 0) if isinstance(layer.padding, str) else layer.padding
    return rows, columns, rows, columns


@dataclass(frozen=True)
class NetworkCost:
    """The latency of a network: the sum of the operator table over its layers; `step` lies between measured widths."""

    layers: Sequence[PlacedLayer]
    times: OperatorTimes
    step: int

    def us(self, widths: Widths) -> float:
        """The time of all kernels for one batch at these widths of the groups, in µs."""
        return sum(self.times.us(*layer.place(widths)) for layer in self.layers)

    def around_us(self, group: int, widths: Widths) -> float:
        """The time of the layers that read or write channels of this group, in µs."""
        return sum(self.times.us(*layer.place(widths)) for layer in self.layers if layer.has(group))


def wanted_widths(layers: Sequence[PlacedLayer], whole: Widths, now: Widths, step: int) -> Wanted:
    """The widths to measure of each operator: all multiples of `step` up to the widths `whole`, and those `now`."""
    wanted: dict[Operator, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for layer in layers:
        for axis, widths in zip((layer.before, layer.after), wanted[layer.operator], strict=True):
            most = axis.channels(whole)
            widths.update((most, axis.channels(now)))
            if axis.groups:
                features = min(features for _, features in axis.groups)
                widths.update(range(axis.fixed + step * features, most, step * features))
    return {operator: (sorted(before), sorted(after)) for operator, (before, after) in wanted.items()}
