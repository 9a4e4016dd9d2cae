"""MobileNetV2 for small pictures (Sandler et al. 2018): inverted residuals with depthwise convolutions."""

from torch import Tensor, nn

STAGES = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
STEM, HEAD = 32, 1280


class InvertedResidual(nn.Module):
    """Widen by `expansion`, filter each channel by itself, narrow again; a shortcut where the shape stays."""

    def __init__(self, in_channels: int, channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = in_channels * expansion
        widen = [convolution(in_channels, hidden, 1)] if expansion != 1 else []
        self.layers = nn.Sequential(
            *widen,
            convolution(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut = stride == 1 and in_channels == channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, channels, H / stride, W / stride)."""
        out: Tensor = self.layers(x)
        return x + out if self.shortcut else out


def convolution(in_channels: int, channels: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU6."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(),
    )


class MobileNetV2(nn.Module):
    """The paper's table 2 with a stride of 1 in the stem and the first two stages, as pictures of 32×32 need."""

    def __init__(self, in_channels: int, num_classes: int, width: float) -> None:
        super().__init__()
        before = scaled(STEM, width)
        layers: list[nn.Module] = [convolution(in_channels, before, 3)]
        for expansion, channels, repeats, stride in STAGES:
            for repeat in range(repeats):
                after = scaled(channels, width)
                layers.append(InvertedResidual(before, after, stride if repeat == 0 else 1, expansion))
                before = after
        head = scaled(HEAD, max(1.0, width))
        layers.append(convolution(before, head, 1))
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(head, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to logits (N, classes)."""
        logits: Tensor = self.fc(self.pool(self.features(x)).flatten(1))
        return logits


def scaled(channels: int, width: float) -> int:
    """The nearest multiple of 8, at least 8."""
    return max(8, round(channels * width / 8) * 8)


def mobilenet_v2(in_channels: int, num_classes: int, width: float = 1.0) -> MobileNetV2:
    """The network of width factor `width`."""
    return MobileNetV2(in_channels, num_classes, width)
