"""The networks of the profiler's benchmarks: five families with random weights, each in fp32 and int8."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import profiler  # isort: skip  # noqa: F401  # before ONNX Runtime, so that it does not report to its maker

import torch
import torchvision
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet8, resnet20

CLASSES, CALIBRATION_IMAGES = 10, 8


@dataclass(frozen=True)
class Network:
    """An ONNX file with the symbolic input (N, 3, H, W)."""

    name: str
    precision: Literal["fp32", "int8"]
    path: Path


class RandomImages(CalibrationDataReader):  # type: ignore[misc]
    """Standard normal pictures, because the weights are random too."""

    def __init__(self, size: int) -> None:
        self._left = iter(torch.randn(CALIBRATION_IMAGES, 1, 3, size, size, generator=torch.Generator().manual_seed(0)))

    def get_next(self) -> dict[str, object] | None:
        images = next(self._left, None)
        return None if images is None else {"input": images.numpy()}


def families() -> Iterator[tuple[str, nn.Module, int]]:
    """The name, the network and the picture side of each family."""
    yield "resnet8", resnet8(in_channels=3, num_classes=CLASSES), 32
    yield "resnet20", resnet20(in_channels=3, num_classes=CLASSES, width=2), 32
    yield "mobilenet_v2", mobilenet_v2(in_channels=3, num_classes=CLASSES), 32
    yield "resnet18", torchvision.models.resnet18(num_classes=CLASSES), 64
    yield "densenet121", torchvision.models.densenet121(num_classes=CLASSES), 64


def networks(folder: Path) -> list[Network]:
    """All files; missing files are made."""
    torch.manual_seed(0)
    found = []
    for name, model, size in families():
        plain = folder / name / "model.onnx"
        if not plain.exists():
            export(model.eval(), size, plain)
        quantised = folder / f"{name}-int8" / "model.onnx"
        if not quantised.exists():
            quantise(plain, size, quantised)
        found += [Network(name, "fp32", plain), Network(f"{name}-int8", "int8", quantised)]
    return found


def export(model: nn.Module, size: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        model,
        (torch.randn(2, 3, size, size),),
        path,
        dynamo=True,
        external_data=False,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        input_names=["input"],
        output_names=["logits"],
        verbose=False,
    )


def quantise(plain: Path, size: int, path: Path) -> None:
    """Quantises in U8S8, per channel, as QDQ."""
    path.parent.mkdir(parents=True, exist_ok=True)
    prepared = path.with_name("prepared.onnx")
    quant_pre_process(plain, prepared)
    quantize_static(
        prepared,
        path,
        RandomImages(size),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    prepared.unlink()
