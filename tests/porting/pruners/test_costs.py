"""The operators of a network at any widths: those that the network really has once it is cut."""

import copy
from collections.abc import Callable

import pytest
import torch
from pruned import Given
from torch import Tensor, nn

from backbones.densenet import densenet_bc
from backbones.efficientnet import efficientnet_lite0
from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet8
from porting.pruners.channel_groups import channel_groups
from porting.pruners.costs import NetworkCost, operator_of, placed_layers, wanted_widths
from porting.pruners.criteria.weights import Norm
from porting.pruners.dependency_graph import dependency_graph
from porting.pruners.engines.torch_pruning import TorchPruning
from porting.pruners.interface import Request
from profiler.operators.operator import Operator
from profiler.operators.table import OperatorTimes


class Flattened(nn.Module):
    """A channel becomes sixteen features."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.hidden = nn.Linear(8 * 16, 12)
        self.out = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.out(self.hidden(self.conv(x).relu().flatten(1)).relu())
        return answer


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet8": (lambda: resnet8(3, 10), 32),
    "densenet": (lambda: densenet_bc(3, 10, depth=16, growth=8), 32),
    "mobilenet_v2": (lambda: mobilenet_v2(3, 10, stem="cifar"), 32),
    "efficientnet_lite0": (lambda: efficientnet_lite0(3, 10, stem="cifar"), 32),
    "flattened": (Flattened, 4),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_places_at_other_widths_are_those_of_the_network_cut_to_them(name: str) -> None:
    build, size = NETWORKS[name]
    torch.manual_seed(0)
    model, example = build().eval(), torch.randn(2, 3, size, size)
    groups = channel_groups(model, dependency_graph(model, example))
    widths = [max(1, (group.width * (3 + place % 3)) // 6) for place, group in enumerate(groups)]
    predicted = [layer.place(widths) for layer in placed_layers(model, groups, example)]

    request = Request(Given(widths), [(example, torch.zeros(2, dtype=torch.long))])
    cut = TorchPruning(Norm(1)).prune(copy.deepcopy(model), request)
    assert predicted == [layer.place([]) for layer in placed_layers(cut, [], example)]


def test_a_network_costs_the_sum_of_its_operators() -> None:
    class Times(OperatorTimes):
        def __init__(self) -> None:
            pass

        def us(self, operator: Operator, in_channels: int, out_channels: int) -> float:
            return in_channels * out_channels

    model, example = resnet8(3, 10).eval(), torch.randn(2, 3, 32, 32)
    layers = placed_layers(model, [], example)
    expected = sum(before * after for _, before, after in (layer.place([]) for layer in layers))
    assert NetworkCost(layers, Times(), 8).us([]) == expected


def test_a_batch_normalisation_counts_where_no_convolution_takes_it_in() -> None:
    example = torch.randn(2, 3, 32, 32)
    kinds = [layer.operator.kind for layer in placed_layers(densenet_bc(3, 10, depth=10).eval(), [], example)]
    assert kinds == [
        "convolution", "norm", "convolution", "convolution", "norm", "convolution",
        "norm", "convolution", "convolution", "norm", "convolution",
        "norm", "convolution", "convolution", "norm", "linear",
    ]  # fmt: skip
    assert "norm" not in {layer.operator.kind for layer in placed_layers(resnet8(3, 10).eval(), [], example)}


def test_a_flattened_channel_is_stepped_over_with_all_of_its_features() -> None:
    model, example = Flattened().eval(), torch.zeros(2, 3, 4, 4)
    groups = channel_groups(model, dependency_graph(model, example))
    full = [group.width for group in groups]
    wanted = wanted_widths(placed_layers(model, groups, example), full, full, 4)
    assert wanted[Operator(kind="linear")][0] == [4, 8, 12, 64, 128]


def test_of_a_cut_network_the_whole_one_s_widths_are_wanted_and_those_that_are_there() -> None:
    model, example = Flattened().eval(), torch.zeros(2, 3, 4, 4)
    groups = channel_groups(model, dependency_graph(model, example))
    wanted = wanted_widths(placed_layers(model, groups, example), [8, 12], [5, 12], 4)
    assert next(iter(wanted.values())) == ([3], [4, 5, 8])


@pytest.mark.parametrize(("layer", "operator"), [
    (nn.Conv2d(8, 4, 7), Operator(kind="convolution", kernel=(7, 7), height=16, width=16)),
    (nn.Conv2d(8, 4, 3, padding=(1, 0)),
     Operator(kind="convolution", kernel=(3, 3), pads=(1, 0, 1, 0), height=16, width=16)),
    (nn.Conv2d(8, 4, 3, padding="same", dilation=(1, 2)),
     Operator(kind="convolution", kernel=(3, 3), pads=(1, 2, 1, 2), dilation=(1, 2), height=16, width=16)),
    (nn.Conv2d(8, 4, 3, padding="valid"), Operator(kind="convolution", kernel=(3, 3), height=16, width=16)),
    (nn.Conv2d(8, 8, 3, groups=8), Operator(kind="depthwise", kernel=(3, 3), height=16, width=16)),
    (nn.Conv2d(8, 16, 3, groups=8), Operator(kind="convolution", kernel=(3, 3), groups=8, height=16, width=16)),
], ids=["unpadded", "padded", "same", "valid", "depthwise", "two filters a channel"])  # fmt: skip
def test_an_operator_has_the_layer_s_padding_dilation_and_groups(layer: nn.Conv2d, operator: Operator) -> None:
    found = operator_of(layer, torch.zeros(2, 8, 16, 16))
    assert found == operator
    with torch.no_grad():
        assert found.pixels == layer(torch.zeros(1, 8, 16, 16))[0, 0].numel()


def test_a_layer_that_is_called_by_keyword_is_an_operator_too() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.conv(input=x)
            return answer

    (layer,) = placed_layers(Named(), [], torch.zeros(2, 3, 8, 8))
    assert layer.place([]) == (Operator(kind="convolution", kernel=(3, 3), height=8, width=8), 3, 4)


def test_the_same_operator_twice_is_measured_once() -> None:
    model, example = resnet8(3, 10).eval(), torch.randn(2, 3, 32, 32)
    groups = channel_groups(model, dependency_graph(model, example))
    layers, full = placed_layers(model, groups, example), [group.width for group in groups]
    wanted = wanted_widths(layers, full, full, 4)
    kinds = [(str(operator), *widths) for operator, widths in wanted.items()]
    assert kinds[0] == ("convolution 3×3/1 on 32×32", [3, 4, 8, 12, 16], [4, 8, 12, 16])
    assert kinds[-1] == ("linear", [*range(4, 65, 4)], [10])
    # Two convolutions of layer1 and the stem are one operator.
    assert len(kinds) == len({layer.operator for layer in layers}) < len(layers)
