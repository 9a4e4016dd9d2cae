"""First inferences of families of networks in torch, and how well a random forest foretells those of others."""

import os
import warnings
from collections.abc import Callable, Iterator
from functools import partial

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # torch reads it when it is imported

import torch
from figures import ROOT
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import DenseNet

from backbones.mobilenet import mobilenet_v2
from backbones.resnet import ResNet
from profiler.records.predictor import NetworkSize
from profiler.target import Target
from profiler.warm_up.collect import Program, collect

FOLDER = ROOT / "artifacts" / "warm_up"
INPUT_SHAPE, CLASSES = (3, 32, 32), 10
BATCHES = (1, 2, 4, 8, 16, 32)
REPEATS = 5


def family() -> Iterator[tuple[str, Callable[[], nn.Module]]]:
    """Variants by name: four backbones, each from narrow to wide."""
    for depth, blocks in ((8, 1), (20, 3), (32, 5)):
        for width in (8, 12, 16, 20, 24, 28, 32):
            yield f"resnet{depth}-{width}", partial(ResNet, 3, CLASSES, blocks, width)
    for width in (0.25, 0.35, 0.5, 0.6, 0.75, 0.85, 1.0):
        yield f"mobilenet-v2-{width}", partial(mobilenet_v2, 3, CLASSES, width)
    for growth in (4, 8, 12, 16, 20, 24, 28):
        name = f"densenet22-{growth}"
        yield name, partial(DenseNet, growth, (4, 4, 4), 2 * growth, num_classes=CLASSES)


def program(name: str, build: Callable[[], nn.Module]) -> Program:
    """The network as a TorchScript program with random weights, and its size."""
    path = FOLDER / "programs" / f"{name}.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    model = build().eval()
    if not path.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.trace(model, torch.zeros(2, *INPUT_SHAPE)).save(str(path))
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(torch.zeros(1, *INPUT_SHAPE))
    size = NetworkSize(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        macs=counter.get_total_flops() // 2,
        file_bytes=path.stat().st_size,
        layers=sum(isinstance(module, nn.Conv2d | nn.Linear) for module in model.modules()),
    )
    return Program(name, path, INPUT_SHAPE, size)


def main() -> None:
    programs = [program(name, build) for name, build in family()]
    observations = FOLDER / "observations.jsonl"
    for done, wanted in collect(programs, BATCHES, REPEATS, Target(runtime="torch"), observations):
        print(f"\r{done} of {wanted} first inferences", end="", flush=True)


if __name__ == "__main__":
    main()
