"""What tests of the engines share: pictures, networks that have seen them, the engines by their criteria."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from porting.pruners.criteria.gates import Taylor
from porting.pruners.criteria.weights import FPGM, Norm
from porting.pruners.engines.nni import NNI
from porting.pruners.engines.torch_pruning import TorchPruning
from porting.pruners.interface import Criterion, Pruner, Request
from porting.pruners.policies import Uniform

SHARED: dict[str, Callable[[], Criterion]] = {
    "taylor": Taylor,
    "l1": lambda: Norm(1),
    "l2": lambda: Norm(2),
    "fpgm": FPGM,
}
ENGINES: dict[str, Callable[[str], Pruner]] = {
    "torch_pruning": lambda criterion: TorchPruning(SHARED[criterion]()),
    "nni": NNI,
}


@dataclass(frozen=True)
class Given:
    """A policy of widths that somebody has chosen already."""

    chosen: Sequence[int]

    def widths(self, *_: object) -> list[int]:
        return list(self.chosen)


def pictures(size: int = 16) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.randn(8, 3, size, size, generator=generator), torch.randint(10, (8,), generator=generator))
        for _ in range(2)
    ]


def request_for(ratio: float, round_to: int = 4, size: int = 16) -> Request:
    return Request(Uniform(ratio, round_to), pictures(size))


def seen(model: nn.Module, size: int = 16) -> nn.Module:
    """A network whose batch normalisation has seen some images."""
    torch.manual_seed(0)
    model.train()
    for images, _ in pictures(size):
        model(images)
    return model.eval()


def widths(model: nn.Module) -> list[int]:
    return [module.out_channels for module in model.modules() if isinstance(module, nn.Conv2d)]


class Two(nn.Module):
    """Two layers, the first one's channels free to be pruned."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, bias=False)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.fc(self.conv(x).mean(dim=(2, 3)))
        return answer
