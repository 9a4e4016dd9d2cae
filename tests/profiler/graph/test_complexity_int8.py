"""A quantised graph has the work and the parameters of the fp32 graph that it came from."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from narrowing import known
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn
from torchvision.models import squeezenet1_1
from torchvision.models.densenet import DenseNet
from torchvision.models.efficientnet import EfficientNet, MBConvConfig
from whole_graph import count_complexity

from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet8
from profiler.graph.layers import count_layers

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet8": lambda: resnet8(3, 10),
    "mobilenet_v2": lambda: mobilenet_v2(3, 10),
    "densenet": lambda: DenseNet(8, (2, 2), 16, num_classes=10),
    "efficientnet": lambda: EfficientNet([MBConvConfig(6, 3, 2, 16, 24, 2)], 0.1, num_classes=10, last_channel=64),
    "squeezenet": lambda: squeezenet1_1(num_classes=10),
    "attention": lambda: Attention(16, 2),
}


class Attention(nn.Module):
    """Patches, a learned place for each, self-attention, a mean: (N, 3, 32, 32) to (N, width)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.places = nn.Parameter(torch.zeros(16, width))
        self.inward, self.outward, self.heads = nn.Linear(width, 3 * width), nn.Linear(width, width), heads

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2) + self.places
        split = self.inward(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (split[0] @ split[1].transpose(2, 3) * 0.35).softmax(-1)
        answer: torch.Tensor = self.outward((weights @ split[2]).transpose(1, 2).flatten(2)).mean(1)
        return answer


class OneBatch(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self) -> None:
        images = np.random.default_rng(0).standard_normal((4, 3, 32, 32)).astype(np.float32)
        self._left = [{"x": images}]

    def get_next(self) -> dict[str, np.ndarray] | None:
        return self._left.pop() if self._left else None


@pytest.fixture(scope="module", params=NETWORKS)
def fp32(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network, ready to be quantised."""
    torch.manual_seed(0)
    model = NETWORKS[request.param]().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.05)
    folder = tmp_path_factory.mktemp("fp32")
    axes = {"x": {0: "batch"}, "y": {0: "batch"}}
    with warnings.catch_warnings():
        # The exporter warns that there is a newer one, which takes ten times as long.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, (torch.zeros(2, 3, 32, 32),), str(folder / "raw.onnx"), dynamo=False, opset_version=17,
            input_names=["x"], output_names=["y"], dynamic_axes=axes,
        )  # fmt: skip
    quant_pre_process(str(folder / "raw.onnx"), str(folder / "fp32.onnx"), skip_symbolic_shape=True)
    prepared = onnx.load(folder / "fp32.onnx")
    # The dynamic quantiser transposes weights and trips over what is noted of their shapes.
    prepared.graph.ClearField("value_info")
    onnx.save(prepared, folder / "fp32.onnx")
    return folder / "fp32.onnx"


def check_same(fp32: Path, int8: Path, operator: str) -> None:
    before, after = count_complexity(fp32), count_complexity(int8)
    assert operator in {node.op_type for node in onnx.load(int8).graph.node}
    assert before.macs is not None
    assert (after.macs, after.parameters) == (before.macs, before.parameters)


@pytest.mark.parametrize(
    ("form", "operator"), [(QuantFormat.QDQ, "DequantizeLinear"), (QuantFormat.QOperator, "QLinearConv")]
)
def test_static_int8_counts_as_fp32(fp32: Path, tmp_path: Path, form: QuantFormat, operator: str) -> None:
    types = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
    quantize_static(str(fp32), str(tmp_path / "int8.onnx"), OneBatch(), quant_format=form, per_channel=True, **types)
    check_same(fp32, tmp_path / "int8.onnx", operator)


def test_dynamic_int8_counts_as_fp32(fp32: Path, tmp_path: Path) -> None:
    quantize_dynamic(str(fp32), str(tmp_path / "int8.onnx"), per_channel=True)
    check_same(fp32, tmp_path / "int8.onnx", "ConvInteger")


def test_a_quantised_weight_counts_at_the_convolution_that_multiplies_it(fp32: Path, tmp_path: Path) -> None:
    quantize_static(str(fp32), str(tmp_path / "int8.onnx"), OneBatch(), quant_format=QuantFormat.QDQ, per_channel=True)
    assert convolutions(tmp_path / "int8.onnx") == convolutions(fp32)


def convolutions(path: Path) -> list[tuple[int, int, tuple[int, ...]]]:
    """Each convolution's parameters, work and shape, sorted, as the quantiser reorders parallel branches."""
    found = [layer for layer in count_layers(path) if layer.operator == "Conv"]
    return sorted((layer.parameters, known(layer.macs), known(layer.output_shape)) for layer in found)
