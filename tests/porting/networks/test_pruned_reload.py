"""A pruned network of every family comes back from its folder with exactly its answers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pruned import ENGINES, request_for, seen

from porting.configuration.components import NamedComponent
from porting.networks.manifest import answers
from porting.networks.store import build_backbone, load_network, save_network
from porting.pruners.interface import check_pruned, count_parameters

SIZE = 32
SHAPE = (3, SIZE, SIZE)
TORCHVISION, TIMM = "backbones.by_name.torchvision_network", "backbones.by_name.timm_network"
FAMILIES: dict[str, dict[str, Any]] = {
    "resnet8": {"_target_": "backbones.resnet.resnet8"},
    "resnet18": {"_target_": "backbones.resnet.resnet18", "width": 0.25, "stem": "cifar"},
    "resnet50": {"_target_": "backbones.resnet.resnet50", "width": 0.125, "stem": "cifar"},
    "mobilenet_v1": {"_target_": "backbones.mobilenet.mobilenet_v1", "width": 0.25, "stem": "cifar"},
    "mobilenet_v2": {"_target_": "backbones.mobilenet.mobilenet_v2", "width": 0.5, "stem": "cifar"},
    "densenet_bc": {"_target_": "backbones.densenet.densenet_bc", "depth": 22, "growth": 8},
    "efficientnet_b0": {"_target_": "backbones.efficientnet.efficientnet_b0", "stem": "cifar"},
    "efficientnet_lite0": {"_target_": "backbones.efficientnet.efficientnet_lite0", "stem": "cifar"},
    "squeezenet1_1": {"_target_": TORCHVISION, "network": "squeezenet1_1"},
    "timm resnet10t": {"_target_": TIMM, "network": "resnet10t"},
}
ONLY_TORCH_PRUNING: dict[str, dict[str, Any]] = {
    "densenet121": {"_target_": "backbones.densenet.densenet121", "stem": "cifar"},
    "timm mobilenetv3": {"_target_": TIMM, "network": "mobilenetv3_small_050"},
}


def check_reload(backbone: dict[str, Any], engine: str, criterion: str, folder: Path) -> None:
    component = NamedComponent.model_validate(backbone | {"name": "net"})
    model = seen(build_backbone(component, SHAPE[0], 10), SIZE)
    before = count_parameters(model)
    pruned = ENGINES[engine](criterion).prune(model, request_for(0.5, size=SIZE))
    check_pruned(before, pruned, request_for(0.5, size=SIZE))
    assert count_parameters(pruned) < 0.4 * before

    again = load_network(save_network(pruned, folder, component, 10, SHAPE), folder, component)
    assert torch.equal(answers(again, SHAPE), answers(pruned, SHAPE))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("engine", "criterion"), [("torch_pruning", "taylor"), ("nni", "l1")])
def test_it_reloads_exactly(family: str, engine: str, criterion: str, tmp_path: Path) -> None:
    check_reload(FAMILIES[family], engine, criterion, tmp_path)


@pytest.mark.parametrize("family", ONLY_TORCH_PRUNING)
def test_what_is_too_slow_or_impossible_with_nni_reloads_exactly(family: str, tmp_path: Path) -> None:
    check_reload(ONLY_TORCH_PRUNING[family], "torch_pruning", "taylor", tmp_path)
