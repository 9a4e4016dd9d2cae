"""Residual networks for small pictures (He et al. 2016, section 4.2), with projection shortcuts."""

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut; the shortcut is a 1×1 convolution where the shape changes."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, channels, H / stride, W / stride)."""
        out: Tensor = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        summed: Tensor = self.relu(out + self.shortcut(x))
        return summed


class ResNet(nn.Module):
    """Three stages of `blocks` blocks, `width`, 2 × `width` and 4 × `width` channels wide: depth 6 × blocks + 2."""

    def __init__(self, in_channels: int, num_classes: int, blocks: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        widths = [width, 2 * width, 4 * width]
        stages = []
        before = width
        for stage, channels in enumerate(widths):
            strides = [1 if stage == 0 else 2] + [1] * (blocks - 1)
            for stride in strides:
                stages.append(BasicBlock(before, channels, stride))
                before = channels
        self.blocks = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(before, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to logits (N, classes)."""
        out = self.blocks(self.relu(self.bn1(self.conv1(x))))
        logits: Tensor = self.fc(self.pool(out).flatten(1))
        return logits


def resnet8(in_channels: int, num_classes: int, width: int = 16) -> ResNet:
    """One block a stage."""
    return ResNet(in_channels, num_classes, blocks=1, width=width)


def resnet20(in_channels: int, num_classes: int, width: int = 16) -> ResNet:
    """Three blocks a stage: the smallest network of the paper's CIFAR-10 table."""
    return ResNet(in_channels, num_classes, blocks=3, width=width)
