"""The networks of `benchmark_published.py`: eight kinds with random weights, and a chain with a copy 5 % longer."""

from collections.abc import Callable
from pathlib import Path

import torch
from benchmark_networks import export
from torch import nn

from backbones.densenet import densenet121
from backbones.efficientnet import efficientnet_lite0
from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet8, resnet18, resnet20

CLASSES = 10
CHAIN_LAYERS = 20
PATCH, WIDTH, HEADS, ENCODERS = 4, 192, 3, 4


class Encoder(nn.Module):
    """A transformer encoder over the patches of a picture (N, 3, 32, 32)."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, ENCODERS, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The logits (N, classes)."""
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        logits: torch.Tensor = self.head(self.encoder(tokens).mean(dim=1))
        return logits


def chain(layers: int) -> nn.Module:
    """Equal convolutions in a row, so that the time is proportional to their number."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        *[nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()) for _ in range(layers)],
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES),
    )  # fmt: skip


KINDS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet8 32": (lambda: resnet8(3, CLASSES), 32),
    "resnet20 32": (lambda: resnet20(3, CLASSES), 32),
    "resnet18 32": (lambda: resnet18(3, CLASSES), 32),
    "resnet18 224": (lambda: resnet18(3, CLASSES), 224),
    "mobilenet_v2 224": (lambda: mobilenet_v2(3, CLASSES, stem="imagenet"), 224),
    "densenet121 224": (lambda: densenet121(3, CLASSES), 224),
    "efficientnet_lite0 224": (lambda: efficientnet_lite0(3, CLASSES), 224),
    "encoder 32": (Encoder, 32),
}
CHAINS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "chain": (lambda: chain(CHAIN_LAYERS), 32),
    "chain 5 % longer": (lambda: chain(CHAIN_LAYERS + 1), 32),
}


def made(folder: Path, kinds: dict[str, tuple[Callable[[], nn.Module], int]]) -> dict[str, Path]:
    """The ONNX file of each network; a missing one is made."""
    torch.manual_seed(0)
    found = {name: folder / name.replace(" ", "-") / "model.onnx" for name in kinds}
    for name, path in found.items():
        if not path.exists():
            build, size = kinds[name]
            export(build().eval(), size, path)
    return found
