"""One small network for each way in which channels are tied, with the layers that read them written down by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from narrowing import known
from torch import Tensor, nn

Reads = dict[str, list[list[int]]]
M = TypeVar("M", bound=nn.Module)


class Chain(nn.Module):
    """Convolution, batch normalisation, ReLU, and again."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5)
        self.conv2, self.bn2 = nn.Conv2d(5, 4, 3), nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        answer: Tensor = self.fc(x.mean(dim=(2, 3)))
        return answer


class Residual(nn.Module):
    """A stem and a block around which a shortcut goes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.conv1, self.bn1 = nn.Conv2d(4, 5, 3, padding=1), nn.BatchNorm2d(5)
        self.conv2, self.bn2 = nn.Conv2d(5, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn(self.stem(x)))
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x
        answer: Tensor = self.fc(self.relu(out).mean(dim=(2, 3)))
        return answer


class Concatenated(nn.Module):
    """What a layer reads and what it makes, side by side, as in a DenseNet."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 3, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(7)
        self.conv3 = nn.Conv2d(7, 4, 1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        new = self.conv2(self.bn1(x).relu())
        x = self.conv3(self.bn2(torch.cat([x, new], dim=1)).relu())
        answer: Tensor = self.fc(x.relu().mean(dim=(2, 3)))
        return answer


class Depthwise(nn.Module):
    """A filter for each channel by itself, between two 1×1 convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.expand, self.bn1 = nn.Conv2d(3, 6, 1), nn.BatchNorm2d(6)
        self.depthwise, self.bn2 = nn.Conv2d(6, 6, 3, groups=6), nn.BatchNorm2d(6)
        self.project, self.bn3 = nn.Conv2d(6, 4, 1), nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu6(self.bn1(self.expand(x)), inplace=True)
        x = nn.functional.relu6(self.bn2(self.depthwise(x)), inplace=True)
        answer: Tensor = self.fc(self.bn3(self.project(x)).mean(dim=(2, 3)))
        return answer


class Flattened(nn.Module):
    """A linear layer that reads every pixel of every channel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 3, stride=3), nn.BatchNorm2d(4)
        self.fc1, self.fc2 = nn.Linear(16, 5), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x)).relu().flatten(1)
        answer: Tensor = self.fc2(self.fc1(x).relu())
        return answer


@dataclass(frozen=True)
class Tied:
    """One group as it should be: who holds it, the batch normalisations, and who reads it at which indices."""

    names: set[str]
    norms: Reads
    consumers: Reads


def one_each(width: int, offset: int = 0) -> list[list[int]]:
    return [[offset + channel] for channel in range(width)]


GROUPS: dict[type[nn.Module], list[Tied]] = {
    Chain: [
        Tied({"conv1"}, {"bn1": one_each(5)}, {"conv2": one_each(5)}),
        Tied({"conv2"}, {"bn2": one_each(4)}, {"fc": one_each(4)}),
    ],
    Residual: [
        Tied({"stem", "conv2"}, {"bn": one_each(4), "bn2": one_each(4)}, {"conv1": one_each(4), "fc": one_each(4)}),
        Tied({"conv1"}, {"bn1": one_each(5)}, {"conv2": one_each(5)}),
    ],
    Concatenated: [
        Tied({"conv1"}, {"bn1": one_each(4), "bn2": one_each(4)}, {"conv2": one_each(4), "conv3": one_each(4)}),
        Tied({"conv2"}, {"bn2": one_each(3, 4)}, {"conv3": one_each(3, 4)}),
        Tied({"conv3"}, {}, {"fc": one_each(4)}),
    ],
    Depthwise: [
        Tied({"expand", "depthwise"}, {"bn1": one_each(6), "bn2": one_each(6)}, {"project": one_each(6)}),
        Tied({"project"}, {"bn3": one_each(4)}, {"fc": one_each(4)}),
    ],
    Flattened: [
        Tied({"conv"}, {"bn": one_each(4)}, {"fc1": [[4 * c, 4 * c + 1, 4 * c + 2, 4 * c + 3] for c in range(4)]}),
        Tied({"fc1"}, {}, {"fc2": one_each(5)}),
    ],
}


def built(network: Callable[[], M]) -> M:
    """The network with random scales, shifts and running statistics, in double precision, as it serves."""
    torch.manual_seed(0)
    model = network().double()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            nn.init.uniform_(known(module.running_mean), -0.2, 0.2)
            nn.init.uniform_(known(module.running_var), 0.5, 1.5)
    return model.eval()


def batches(size: int = 8) -> list[tuple[Tensor, Tensor]]:
    """Two batches of unequal sizes."""
    generator = torch.Generator().manual_seed(1)
    return [
        (
            torch.randn(count, 3, size, size, generator=generator, dtype=torch.float64),
            torch.randint(3, (count,), generator=generator),
        )
        for count in (6, 4)
    ]


@contextmanager
def scaled(model: nn.Module, consumers: Reads, channel: int, factor: float) -> Iterator[None]:
    """While it holds, all that read a channel read it multiplied by a factor."""

    def hook(places: list[int]) -> Callable[[nn.Module, tuple[Tensor]], Tensor]:
        def multiply(_: nn.Module, inputs: tuple[Tensor]) -> Tensor:
            features = inputs[0].clone()
            features[:, places] *= factor
            return features

        return multiply

    hooks = [
        model.get_submodule(name).register_forward_pre_hook(hook(indices[channel]))
        for name, indices in consumers.items()
    ]
    try:
        yield
    finally:
        for handle in hooks:
            handle.remove()
