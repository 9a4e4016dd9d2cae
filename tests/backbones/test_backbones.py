"""Backbones: the papers' sizes, torchvision's answers with torchvision's weights, stems for both sizes of pictures."""

import warnings
from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import nn

from backbones.by_name import timm_network, torchvision_network
from backbones.densenet import densenet121, densenet_bc
from backbones.efficientnet import efficientnet_b0, efficientnet_lite0
from backbones.mobilenet import mobilenet_v1, mobilenet_v2
from backbones.resnet import resnet8, resnet18, resnet20, resnet34, resnet50, resnet56

SIZES = {
    # Table 6 of He et al. 2016 has .27 and .85 M; projections instead of padded shortcuts add 2,752.
    resnet20: 272_474, resnet56: 855_770,
    # Table 2 of Huang et al. 2017 has .8 M for depth 100 and growth 12.
    densenet_bc: 769_210,
}  # fmt: skip
TORCHVISION = (resnet18, resnet34, resnet50, densenet121, mobilenet_v2, efficientnet_b0)
EVERY = (*TORCHVISION, resnet8, resnet20, resnet56, densenet_bc, mobilenet_v1, efficientnet_lite0)


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("build", SIZES, ids=lambda build: build.__name__)
def test_the_paper_s_number_of_parameters(build: Callable[..., nn.Module]) -> None:
    assert parameters(build(3, 10)) == SIZES[build]


def test_mobilenet_v1_has_the_paper_s_number_of_parameters() -> None:
    # Table 8 of Howard et al. 2017: 4.2 M.
    assert parameters(mobilenet_v1(3, 1000)) == pytest.approx(4.2e6, rel=0.01)


@pytest.mark.parametrize("build", TORCHVISION, ids=lambda build: build.__name__)
def test_with_torchvision_s_weights_it_answers_as_torchvision_s_network(build: Callable[..., nn.Module]) -> None:
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, build.__name__)(weights=None).eval()
    ours = build(3, 1000).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))


@pytest.mark.parametrize(("stem", "size"), [("cifar", 32), ("imagenet", 64)])
@pytest.mark.parametrize("build", EVERY, ids=lambda build: build.__name__)
def test_every_network_has_a_stem_for_small_and_for_large_pictures(
    build: Callable[..., nn.Module], stem: str, size: int
) -> None:
    with torch.no_grad():
        assert build(1, 7, stem=stem).eval()(torch.zeros(2, 1, size, size)).shape == (2, 7)


@pytest.mark.parametrize("build", [resnet8, resnet50, densenet_bc, mobilenet_v1, efficientnet_lite0])
def test_a_network_is_a_torchscript_program_too(build: Callable[..., nn.Module]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert torch.jit.script(build(3, 10).eval())(torch.zeros(1, 3, 64, 64)).shape == (1, 10)


def test_a_small_stem_keeps_the_resolution() -> None:
    assert resnet18(3, 10, stem="cifar").eval().layer1(torch.zeros(1, 64, 32, 32)).shape == (1, 64, 32, 32)
    features = {stem: efficientnet_lite0(3, 10, stem=stem)._blocks for stem in ("cifar", "imagenet")}
    assert features["cifar"](torch.zeros(1, 32, 32, 32)).shape[-1] == 4
    assert features["imagenet"](torch.zeros(1, 32, 112, 112)).shape[-1] == 7


def test_width_scales_the_parameters_quadratically() -> None:
    assert 3.5 < parameters(resnet8(3, 10, width=2)) / parameters(resnet8(3, 10)) < 4.1
    assert 3.5 < parameters(resnet50(3, 10, width=0.5)) ** -1 * parameters(resnet50(3, 10)) < 4.1


def test_a_width_without_channels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"width=0\.001 leaves no channel"):
        resnet20(3, 10, width=0.001)


def test_a_depth_that_no_densenet_bc_has_is_refused() -> None:
    with pytest.raises(ValueError, match="take 6 n"):
        densenet_bc(3, 10, depth=42)


def test_mobilenet_filters_each_channel_by_itself() -> None:
    for build, layers in ((mobilenet_v1, 13), (mobilenet_v2, 17)):
        depthwise = [m for m in build(3, 10).modules() if isinstance(m, nn.Conv2d) and m.groups == m.in_channels > 1]
        assert len(depthwise) == layers


@pytest.mark.parametrize("network", ["squeezenet1_1", "shufflenet_v2_x0_5", "vit_b_16"])
def test_a_torchvision_network_by_its_name(network: str) -> None:
    size = 224 if network.startswith("vit") else 64
    with torch.no_grad():
        assert torchvision_network(1, 7, network).eval()(torch.zeros(1, 1, size, size)).shape == (1, 7)


@pytest.mark.parametrize(("network", "size"), [("googlenet", 32), ("inception_v3", 75)])
def test_a_network_with_side_outputs_is_built_without_them(network: str, size: int) -> None:
    with torch.no_grad():
        assert torchvision_network(1, 7, network).train()(torch.zeros(2, 1, size, size)).shape == (2, 7)


def test_a_timm_network_by_its_name() -> None:
    with torch.no_grad():
        assert timm_network(1, 7, "mobilenetv3_small_050").eval()(torch.zeros(1, 1, 64, 64)).shape == (1, 7)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"torchvision has no network 'resnet19': it has .*resnet18"):
        torchvision_network(3, 10, "resnet19")
    with pytest.raises(ValueError, match="timm has no network 'resnet19'"):
        timm_network(3, 10, "resnet19")
