"""The groups of tied channels that the dependency graph of a network gives."""

import pytest
import torch
from modules import convolution, tensor
from tiny_networks import GROUPS, Depthwise, Tied, batches, built
from torch import Tensor, nn

from backbones.resnet import resnet8
from porting.pruners.channel_groups import ChannelGroup, Place, channel_groups
from porting.pruners.criteria.weights import Norm
from porting.pruners.dependency_graph import dependency_graph
from porting.pruners.engines.torch_pruning import TorchPruning
from porting.pruners.interface import Request
from porting.pruners.policies import Uniform
from profiler.common.errors import BadInputError


def groups_of(model: nn.Module, size: int = 8) -> list[ChannelGroup]:
    example = torch.randn(2, 3, size, size, dtype=next(model.parameters()).dtype)
    return channel_groups(model, dependency_graph(model, example))


def reads(places: tuple[Place, ...]) -> dict[str, list[list[int]]]:
    return {place.name: [list(indices) for indices in place.indices] for place in places}


@pytest.mark.parametrize("network", GROUPS)
def test_a_group_says_who_holds_scales_and_reads_its_channels(network: type[nn.Module]) -> None:
    found = groups_of(built(network))
    assert [Tied(set(group.names), reads(group.norms), reads(group.consumers)) for group in found] == GROUPS[network]
    assert [group.width for group in found] == [len(next(iter(tied.consumers.values()))) for tied in GROUPS[network]]


def test_of_a_depthwise_layer_two_channels_stay() -> None:
    model: nn.Module = built(Depthwise)
    assert [group.least for group in groups_of(model)] == [2, 1]
    pictures = [(torch.randn(2, 3, 8, 8, dtype=torch.float64), torch.tensor([0, 1]))]
    full = [group.width for group in groups_of(model)]
    for ratio in (0.5, 0.9):
        model = TorchPruning(Norm(1)).prune(model, Request(Uniform(ratio, 1, full), pictures))
    assert [group.width for group in groups_of(model)] == [2, 1]
    assert convolution(model, "depthwise").groups == 2


def test_layers_joined_by_a_shortcut_are_tied() -> None:
    groups = groups_of(resnet8(3, 10), 16)
    assert {"conv1", "layer1.0.conv2"} in [set(group.names) for group in groups]


def test_the_classifier_keeps_its_outputs() -> None:
    groups = groups_of(resnet8(3, 10), 16)
    assert groups
    assert all("fc" not in group.names for group in groups)


def test_a_classifier_that_is_a_convolution_keeps_its_outputs() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 10, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    assert [group.names for group in groups_of(model)] == [("0",)]


def test_a_classifier_that_was_made_first_keeps_its_outputs() -> None:
    class Reversed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 10)
            self.conv = nn.Conv2d(3, 8, 3)

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.fc(self.conv(x).mean(dim=(2, 3)))
            return answer

    assert [group.names for group in groups_of(Reversed())] == [("conv",)]


def test_a_classifier_s_features_of_a_flattened_channel_are_counted() -> None:
    first, second = groups_of(built(list(GROUPS)[-1]))
    assert (first.consumers[0].features, second.consumers[0].features) == (4, 1)


def between(layer: nn.Conv2d | nn.ConvTranspose2d) -> nn.Module:
    """The layer between two convolutions of which the first has 8 channels."""
    width = layer.out_channels
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), layer, nn.Conv2d(width, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10)
    )


@pytest.mark.parametrize("layer", [
    nn.Conv2d(8, 8, 3, groups=4), nn.Conv2d(8, 16, 3, groups=8), nn.Conv2d(8, 4, 3, groups=4),
    nn.ConvTranspose2d(8, 8, 3),
], ids=["grouped", "two filters a channel", "two channels a filter", "transposed"])  # fmt: skip
def test_what_other_convolutions_hold_or_read_is_left_out(layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    assert [group.names for group in groups_of(between(layer))] == [("2",)]


def test_channels_of_which_only_a_part_is_tied_are_left_out() -> None:
    class Partly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3)
            self.a, self.b = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 1)
            self.fc = nn.Linear(8, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            answer: Tensor = self.fc((x + torch.cat([self.a(x), self.b(x)], dim=1)).mean(dim=(2, 3)))
            return answer

    with pytest.raises(BadInputError, match="no channels that can be pruned"):
        groups_of(Partly())


def test_frozen_layers_keep_their_channels() -> None:
    model = resnet8(3, 10)
    model.layer1.requires_grad_(False)
    names = [set(group.names) for group in groups_of(model, 16)]
    assert names
    assert not any("layer1.0.conv2" in found or "layer1.0.conv1" in found for found in names)
    assert not tensor(model, "layer1.0.conv1.weight").requires_grad


def test_tracing_leaves_the_network_as_it_was() -> None:
    model = resnet8(3, 10).train()
    model.layer2.eval()
    training = [module.training for module in model.modules()]
    groups_of(model, 16)
    assert [module.training for module in model.modules()] == training


def test_tracing_works_where_gradients_are_switched_off() -> None:
    with torch.no_grad():
        assert groups_of(resnet8(3, 10), 16)


def test_the_batches_of_these_tests_fit_the_networks() -> None:
    pairs = [(network, images) for network in GROUPS for images, _ in batches()]
    assert pairs
    assert all(built(network)(images).shape == (len(images), 3) for network, images in pairs)
