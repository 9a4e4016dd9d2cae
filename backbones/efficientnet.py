"""EfficientNet-B0 (Tan and Le 2019) from torchvision, and EfficientNet-Lite0 with the names of its public weights.

Lite is B0 for hardware without fast sigmoids: no squeeze-and-excitation, ReLU6, and a stem and a head of fixed width
(tensorflow/tpu, models/official/efficientnet/lite).
"""

from typing import Final, Literal

from torch import Tensor, nn
from torchvision.models import EfficientNet
from torchvision.models import efficientnet_b0 as torchvision_b0

Stem = Literal["cifar", "imagenet"]
# Expansion, channels, repeats, stride, kernel of each stage (table 1 of the paper).
STAGES = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
)  # fmt: skip
STEM, HEAD, DROPOUT = 32, 1280, 0.2
# TensorFlow's momentum of 0.99 is the share that stays, torch's the share that is replaced.
EPS, MOMENTUM = 1e-3, 0.01


def efficientnet_b0(in_channels: int, num_classes: int, stem: Stem = "imagenet") -> EfficientNet:
    """EfficientNet-B0; for small images the stem and the first strided stage keep the size."""
    model = torchvision_b0(num_classes=num_classes)
    small = stem == "cifar"
    model.features[0][0] = nn.Conv2d(in_channels, STEM, 3, 1 if small else 2, 1, bias=False)
    nn.init.kaiming_normal_(model.features[0][0].weight, mode="fan_out")
    if small:
        model.features[2][0].block[1][0].stride = (1, 1)
    return model


class InvertedResidual(nn.Module):
    """An expansion, a depthwise and a projecting convolution, with a shortcut where the shape stays."""

    # TorchScript compiles only the taken branch where the condition is a constant.
    widens: Final[bool]

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        self.widens = expansion > 1
        if self.widens:
            self._expand_conv = nn.Conv2d(before, wide, 1, bias=False)
            self._bn0 = norm(wide)
        self._pad = same_padding(kernel, stride)
        self._depthwise_conv = nn.Conv2d(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = norm(wide)
        self._project_conv = nn.Conv2d(wide, after, 1, bias=False)
        self._bn2 = norm(after)
        self._relu = nn.ReLU6(inplace=True)
        self.shortcut = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) to (N, after, H / stride, W / stride)."""
        out = self._relu(self._bn0(self._expand_conv(x))) if self.widens else x
        out = self._relu(self._bn1(self._depthwise_conv(self._pad(out))))
        narrow: Tensor = self._bn2(self._project_conv(out))
        return x + narrow if self.shortcut else narrow


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite0: stem, seven stages and head."""

    def __init__(self, in_channels: int, num_classes: int, small: bool) -> None:
        super().__init__()
        stride = 1 if small else 2
        self._pad = same_padding(3, stride)
        self._conv_stem = nn.Conv2d(in_channels, STEM, 3, stride, bias=False)
        self._bn0 = norm(STEM)
        blocks, before = [], STEM
        for stage, (expansion, after, repeats, stride, kernel) in enumerate(STAGES):
            for place in range(repeats):
                halves = stride == 2 and place == 0 and not (small and stage == 1)
                blocks.append(InvertedResidual(before, after, kernel, 2 if halves else 1, expansion))
                before = after
        self._blocks = nn.Sequential(*blocks)
        self._conv_head = nn.Conv2d(before, HEAD, 1, bias=False)
        self._bn1 = norm(HEAD)
        self._relu = nn.ReLU6(inplace=True)
        self._pool = nn.AdaptiveAvgPool2d(1)
        self._dropout = nn.Dropout(DROPOUT)
        self._fc = nn.Linear(HEAD, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to logits (N, classes); H and W must be even wherever they are halved, as for 32 and 224."""
        out = self._relu(self._bn0(self._conv_stem(self._pad(x))))
        out = self._relu(self._bn1(self._conv_head(self._blocks(out))))
        logits: Tensor = self._fc(self._dropout(self._pool(out).flatten(1)))
        return logits


def norm(channels: int) -> nn.BatchNorm2d:
    """A batch normalisation with the constants of TensorFlow."""
    return nn.BatchNorm2d(channels, EPS, MOMENTUM)


def same_padding(kernel: int, stride: int) -> nn.ZeroPad2d:
    """TensorFlow's padding for even sizes; with a stride of 2 there is more on the right and at the bottom."""
    whole = kernel - stride
    left = whole // 2
    return nn.ZeroPad2d((left, whole - left, left, whole - left))


def efficientnet_lite0(in_channels: int, num_classes: int, stem: Stem = "imagenet") -> EfficientNetLite:
    """EfficientNet-Lite0, the smallest of the Lite networks."""
    return EfficientNetLite(in_channels, num_classes, small=stem == "cifar")
