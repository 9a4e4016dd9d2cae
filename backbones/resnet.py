"""Residual networks (He et al. 2016): those for small images (section 4.2) and those of ImageNet (table 1).

Shortcuts that change the shape are 1×1 convolutions. Blocks and names of layers are those of torchvision, so that its
weights fit the ImageNet networks of width factor 1.
"""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

Stem = Literal["cifar", "imagenet"]


class ResNet(nn.Module):
    """A stem, three or four stages and a classifier; each stage doubles the width and halves the image size."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        channels: int,
        stem: Stem,
    ) -> None:
        super().__init__()
        small = stem == "cifar"
        kernel, stride = (3, 1) if small else (7, 2)
        self.conv1 = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, padding=1)
        before = channels
        stages = []
        for stage, depth in enumerate(depths):
            blocks = []
            for place in range(depth):
                stride = 2 if stage > 0 and place == 0 else 1
                after = block.expansion * (channels << stage)
                blocks.append(block(before, channels << stage, stride))
                if stride > 1 or before != after:
                    convolution = nn.Conv2d(before, after, 1, stride, bias=False)
                    blocks[-1].downsample = nn.Sequential(convolution, nn.BatchNorm2d(after))
                before = after
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3 = stages[:3]
        self.layer4 = stages[3] if len(stages) > 3 else nn.Identity()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(before, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to logits (N, classes)."""
        out = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        out = self.layer4(self.layer3(self.layer2(self.layer1(out))))
        logits: Tensor = self.fc(self.avgpool(out).flatten(1))
        return logits


def scaled(channels: int, width: float) -> int:
    """The number of channels times the width factor; raises `ValueError` where none is left."""
    if round(channels * width) < 1:
        raise ValueError(f"width={width:g} leaves no channel: take a larger one")
    return round(channels * width)


def resnet8(in_channels: int, num_classes: int, width: float = 1.0, stem: Stem = "cifar") -> ResNet:
    """Three stages of one block, 16, 32 and 64 channels wide."""
    return ResNet(in_channels, num_classes, BasicBlock, (1, 1, 1), scaled(16, width), stem)


def resnet20(in_channels: int, num_classes: int, width: float = 1.0, stem: Stem = "cifar") -> ResNet:
    """Three stages of three blocks: the smallest network of the paper's CIFAR-10 table."""
    return ResNet(in_channels, num_classes, BasicBlock, (3, 3, 3), scaled(16, width), stem)


def resnet56(in_channels: int, num_classes: int, width: float = 1.0, stem: Stem = "cifar") -> ResNet:
    """Three stages of nine blocks."""
    return ResNet(in_channels, num_classes, BasicBlock, (9, 9, 9), scaled(16, width), stem)


def resnet18(in_channels: int, num_classes: int, width: float = 1.0, stem: Stem = "imagenet") -> ResNet:
    """Four stages of two blocks, from 64 to 512 channels wide."""
    return ResNet(in_channels, num_classes, BasicBlock, (2, 2, 2, 2), scaled(64, width), stem)


def resnet34(in_channels: int, num_classes: int, width: float = 1.0, stem: Stem = "imagenet") -> ResNet:
    """Four stages of three, four, six and three blocks."""
    return ResNet(in_channels, num_classes, BasicBlock, (3, 4, 6, 3), scaled(64, width), stem)


def resnet50(in_channels: int, num_classes: int, width: float = 1.0, stem: Stem = "imagenet") -> ResNet:
    """The stages of ResNet-34 with bottlenecks, from 256 to 2,048 channels wide."""
    return ResNet(in_channels, num_classes, Bottleneck, (3, 4, 6, 3), scaled(64, width), stem)
