"""MobileNet v1 (Howard et al. 2017), and v2 (Sandler et al. 2018) from torchvision."""

from typing import Literal

from torch import Tensor, nn
from torchvision.models import MobileNetV2
from torchvision.ops import Conv2dNormActivation

Stem = Literal["cifar", "imagenet"]
# Channels and stride of each depthwise separable convolution (table 1 of v1).
V1 = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
# Expansion, channels, repeats, stride of each stage (table 2 of v2).
V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
STEM = 32
# The first strided layer after the stem. Images of 32×32 keep their size in the stem and there.
HALVED_FIRST = 1


class MobileNetV1(nn.Module):
    """MobileNet v1: pairs of a depthwise 3×3 convolution and a 1×1 convolution."""

    def __init__(self, in_channels: int, num_classes: int, width: float, stem: Stem) -> None:
        super().__init__()
        small = stem == "cifar"
        before = scaled(STEM, width)
        layers = [Conv2dNormActivation(in_channels, before, 3, 1 if small else 2)]
        for place, (channels, stride) in enumerate(V1):
            step = 1 if small and place == HALVED_FIRST else stride
            layers.append(Conv2dNormActivation(before, before, 3, step, groups=before))
            layers.append(Conv2dNormActivation(before, scaled(channels, width), 1))
            before = scaled(channels, width)
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(before, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to logits (N, classes)."""
        logits: Tensor = self.fc(self.pool(self.features(x)).flatten(1))
        return logits


def scaled(channels: int, width: float) -> int:
    """The number of channels times the width factor, as a multiple of 8, at least 8."""
    return max(8, round(channels * width / 8) * 8)


def mobilenet_v1(in_channels: int, num_classes: int, width: float = 1.0, stem: Stem = "imagenet") -> MobileNetV1:
    """MobileNet v1 with the width factor `width`."""
    return MobileNetV1(in_channels, num_classes, width, stem)


def mobilenet_v2(in_channels: int, num_classes: int, width: float = 1.0, stem: Stem = "imagenet") -> MobileNetV2:
    """MobileNet v2 with the width factor `width`."""
    small = stem == "cifar"
    stages = [list(stage) for stage in V2]
    if small:
        stages[HALVED_FIRST][-1] = 1
    model = MobileNetV2(num_classes, width, stages)
    first = model.features[0][0]
    model.features[0][0] = nn.Conv2d(in_channels, first.out_channels, 3, 1 if small else 2, 1, bias=False)
    nn.init.kaiming_normal_(model.features[0][0].weight, mode="fan_out")
    return model
