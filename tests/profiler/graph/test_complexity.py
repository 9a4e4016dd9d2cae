"""Parameters and multiply-accumulates of whole graphs against torch's own parameters and flop counter."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from narrowing import known
from support import ROOT
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import densenet121, efficientnet_b0, resnet18, squeezenet1_1
from torchvision.models.vision_transformer import VisionTransformer
from whole_graph import count_complexity

from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet8, resnet20
from profiler.common.errors import ModelError
from profiler.graph.layers import count_layers
from profiler.graph.read import read_onnx

PICTURE = (3, 32, 32)


@dataclass(frozen=True)
class Family:
    """A network, the shape of one input, and whether torch's newer exporter writes it: it is slow on deep ones."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...] = PICTURE
    dynamo: bool = False


FAMILIES = {
    "resnet8": Family(lambda: resnet8(3, 10), dynamo=True),
    "resnet20": Family(lambda: resnet20(3, 10)),
    "mobilenet_v2": Family(lambda: mobilenet_v2(3, 10)),
    "resnet18": Family(lambda: resnet18(num_classes=10)),
    "densenet121": Family(lambda: densenet121(num_classes=10)),
    "efficientnet_b0": Family(lambda: efficientnet_b0(num_classes=10)),
    "squeezenet": Family(lambda: squeezenet1_1(num_classes=10)),
    "vision transformer": Family(lambda: VisionTransformer(32, 8, 1, 2, 16, 32, num_classes=10), dynamo=True),
    "grouped convolution": Family(lambda: nn.Conv2d(8, 12, 3, groups=4, stride=2), (8, 16, 16)),
    "transposed convolution": Family(lambda: nn.ConvTranspose2d(8, 12, 3, groups=4, stride=2), (8, 8, 8)),
    "linear layers": Family(lambda: nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 3)), (7,)),
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Family, Path]:
    """A network and its ONNX file."""
    found = FAMILIES[request.param]
    torch.manual_seed(0)
    model = found.build().eval()
    for parameter in model.parameters():
        # The exporters store equal tensors once, and fresh biases are all zero.
        nn.init.normal_(parameter, std=0.05)
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export(model, found, path)
    return model, found, path


def export(model: nn.Module, family: Family, path: Path, opset: int = 20) -> None:
    axes: dict[str, Any] = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)}
    if not family.dynamo:
        axes = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": {"x": {0: "batch"}, "y": {0: "batch"}}}
    example = (torch.zeros(2, *family.shape),)
    with warnings.catch_warnings():
        # Both exporters warn of their own internals.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, example, str(path), dynamo=family.dynamo, opset_version=opset,
            external_data=False, verbose=False, **axes,
        )  # fmt: skip


def torch_s_flops(model: nn.Module, shape: tuple[int, ...]) -> int:
    """FLOPs of one input; attention in the plain form, which is the one that torch counts on a CPU."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model(torch.zeros(1, *shape))
    return int(counter.get_total_flops())


def parameters_left(model: nn.Module, path: Path) -> int:
    """The network's parameters, less a scale for each channel whose batch normalisation the exporter folded."""
    graph = onnx.load(path).graph
    sizes = {tensor.name: tensor.dims[0] for tensor in graph.initializer if tensor.dims}
    kept: int = sum(sizes[node.input[1]] for node in graph.node if node.op_type == "BatchNormalization")
    normalised = sum(module.num_features for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    return sum(parameter.numel() for parameter in model.parameters()) - (normalised - kept)


def test_flops_equal_torch_s(family: tuple[nn.Module, Family, Path]) -> None:
    model, which, path = family
    found = count_complexity(path)
    assert found.flops == torch_s_flops(model, which.shape)
    assert found.flops == 2 * known(found.macs)
    assert found.file_bytes == path.stat().st_size


def test_parameters_equal_torch_s(family: tuple[nn.Module, Family, Path]) -> None:
    model, _, path = family
    assert count_complexity(path).parameters == parameters_left(model, path)


def test_the_layers_sum_to_the_whole(family: tuple[nn.Module, Family, Path]) -> None:
    _, _, path = family
    layers, whole = count_layers(path), count_complexity(path)
    assert sum(layer.macs or 0 for layer in layers) == whole.macs
    assert sum(layer.flops or 0 for layer in layers) == whole.flops
    assert sum(layer.parameters for layer in layers) == whole.parameters


def test_attention_counts_the_same_as_one_operator_and_as_products(tmp_path: Path) -> None:
    transformer = FAMILIES["vision transformer"]
    model = transformer.build().eval()
    export(model, transformer, tmp_path / "model.onnx", opset=23)
    assert "Attention" in {layer.operator for layer in count_layers(tmp_path / "model.onnx")}
    assert count_complexity(tmp_path / "model.onnx").flops == torch_s_flops(model, transformer.shape)


def test_a_file_that_is_not_onnx_is_refused() -> None:
    with pytest.raises(ModelError, match="not an ONNX file"):
        read_onnx(ROOT / "Makefile")


def test_a_truncated_file_is_refused(tmp_path: Path, network: Path) -> None:
    content = network.read_bytes()
    (tmp_path / "half.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="truncated"):
        read_onnx(tmp_path / "half.onnx")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        count_complexity(tmp_path / "none.onnx")
