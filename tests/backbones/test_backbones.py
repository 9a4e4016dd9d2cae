import torch

from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet8, resnet20


def parameters(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_resnet20_has_the_paper_s_size() -> None:
    # Table 6 of He et al. 2016 says 0.27 M; projection shortcuts add 2,752 to its 269,722.
    assert parameters(resnet20(3, 10)) == 272_474


def test_width_scales_the_parameters_quadratically() -> None:
    assert 3.5 < parameters(resnet8(3, 10, width=32)) / parameters(resnet8(3, 10, width=16)) < 4.1


def test_resnet_halves_the_picture_twice() -> None:
    features = resnet8(1, 10).blocks(torch.zeros(1, 16, 32, 32))
    assert features.shape == (1, 64, 8, 8)


def test_mobilenet_filters_each_channel_by_itself() -> None:
    depthwise = [
        m for m in mobilenet_v2(3, 10).modules() if isinstance(m, torch.nn.Conv2d) and m.groups == m.in_channels > 1
    ]
    assert len(depthwise) == 17
