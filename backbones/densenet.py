"""DenseNet-BC, densely connected with bottlenecks and compression (Huang et al. 2017), from torchvision's DenseNet."""

from typing import Literal

from torch import nn
from torchvision.models import DenseNet

Stem = Literal["cifar", "imagenet"]
BLOCKS, LAYERS_OF_A_DENSE_LAYER = 3, 2


def densenet_bc(
    in_channels: int, num_classes: int, depth: int = 100, growth: int = 12, stem: Stem = "cifar"
) -> DenseNet:
    """Three dense blocks for small images (section 3 and table 2); raises `ValueError` for an impossible depth."""
    layers, rest = divmod(depth - BLOCKS - 1, BLOCKS * LAYERS_OF_A_DENSE_LAYER)
    if rest or layers < 1:
        raise ValueError(f"depth={depth} is no depth of a DenseNet-BC: take 6 n + 4, such as 40 or 100")
    return with_stem(in_channels, num_classes, growth, (layers,) * BLOCKS, 2 * growth, stem)


def densenet121(in_channels: int, num_classes: int, stem: Stem = "imagenet") -> DenseNet:
    """The smallest network of table 1, with the layer names of torchvision's weights."""
    return with_stem(in_channels, num_classes, 32, (6, 12, 24, 16), 64, stem)


def with_stem(
    in_channels: int, num_classes: int, growth: int, blocks: tuple[int, ...], channels: int, stem: Stem
) -> DenseNet:
    """A network whose stem is a 3×3 convolution for small images, or a strided 7×7 one with pooling for large ones."""
    # The default is a tuple of four.
    model = DenseNet(growth, blocks, channels, num_classes=num_classes)  # type: ignore[arg-type,unused-ignore]
    small = stem == "cifar"
    kernel, stride = (3, 1) if small else (7, 2)
    model.features.conv0 = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(model.features.conv0.weight)
    if small:
        model.features.pool0 = nn.Identity()
    return model
