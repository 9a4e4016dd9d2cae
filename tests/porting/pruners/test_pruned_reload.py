"""A pruned network of every family comes back from its manifest and weights with exactly its answers."""

from collections.abc import Callable

import pytest
import torch
from pruned import ENGINES, request_for, seen
from torch import nn

from backbones.by_name import timm_network, torchvision_network
from backbones.densenet import densenet121, densenet_bc
from backbones.efficientnet import efficientnet_b0, efficientnet_lite0
from backbones.mobilenet import mobilenet_v1, mobilenet_v2
from backbones.resnet import resnet8, resnet18, resnet50
from porting.networks.manifest import Manifest, answers, describe, restore
from porting.pruners.interface import check_pruned, count_parameters

SIZE = 32
SHAPE = (3, SIZE, SIZE)
FAMILIES: dict[str, Callable[[], nn.Module]] = {
    "resnet8": lambda: resnet8(3, 10),
    "resnet18": lambda: resnet18(3, 10, 0.25, "cifar"),
    "resnet50": lambda: resnet50(3, 10, 0.125, "cifar"),
    "mobilenet_v1": lambda: mobilenet_v1(3, 10, 0.25, "cifar"),
    "mobilenet_v2": lambda: mobilenet_v2(3, 10, 0.5, "cifar"),
    "densenet_bc": lambda: densenet_bc(3, 10, 22, 8),
    "efficientnet_b0": lambda: efficientnet_b0(3, 10, "cifar"),
    "efficientnet_lite0": lambda: efficientnet_lite0(3, 10, "cifar"),
    "squeezenet1_1": lambda: torchvision_network(3, 10, "squeezenet1_1"),
    "timm resnet10t": lambda: timm_network(3, 10, "resnet10t"),
}
ONLY_TORCH_PRUNING: dict[str, Callable[[], nn.Module]] = {
    "densenet121": lambda: densenet121(3, 10, "cifar"),
    "timm mobilenetv3": lambda: timm_network(3, 10, "mobilenetv3_small_050"),
}


def check_reload(build: Callable[[], nn.Module], engine: str, criterion: str) -> None:
    model = seen(build(), SIZE)
    before = count_parameters(model)
    pruned = ENGINES[engine](criterion).prune(model, request_for(0.5, size=SIZE))
    check_pruned(before, pruned, request_for(0.5, size=SIZE))
    assert count_parameters(pruned) < 0.4 * before

    manifest = Manifest.model_validate_json(describe(pruned, SHAPE).model_dump_json())
    weights = {name: tensor.clone() for name, tensor in pruned.state_dict().items()}
    again = restore(build(), manifest, weights)
    assert torch.equal(answers(again, SHAPE), answers(pruned, SHAPE))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("engine", "criterion"), [("torch_pruning", "taylor"), ("nni", "l1")])
def test_it_reloads_exactly(family: str, engine: str, criterion: str) -> None:
    check_reload(FAMILIES[family], engine, criterion)


@pytest.mark.parametrize("family", ONLY_TORCH_PRUNING)
def test_what_is_too_slow_or_impossible_with_nni_reloads_exactly(family: str) -> None:
    check_reload(ONLY_TORCH_PRUNING[family], "torch_pruning", "taylor")
