"""Parameters and multiply-accumulates: the graph's own count against torch's flop counter."""

from pathlib import Path

import pytest
import torch
from support import ROOT
from torch.utils.flop_counter import FlopCounterMode

from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet8, resnet20
from porting.onnx_files.export import export_network
from porting.onnx_files.quantize import quantize_file
from porting.settings import ExportSettings, QuantizeSettings
from profiler.errors import ModelError
from profiler.graph.complexity import count_complexity, read_onnx

EXPORT = ExportSettings(opset=20, tolerance=1e-4)


def folded_parameters(model: torch.nn.Module) -> int:
    """What is left when every batch normalisation becomes the bias of the convolution before it."""
    total = 0
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            total += module.weight.numel() + module.out_channels
        elif isinstance(module, torch.nn.Linear):
            total += module.weight.numel() + module.out_features
    return total


@pytest.mark.parametrize("build", [resnet8, resnet20, mobilenet_v2])
def test_the_count_equals_torch_s(build, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build(3, 10)
    for parameter in model.parameters():
        # The exporter stores equal tensors once, and fresh biases are all zero.
        torch.nn.init.normal_(parameter, std=0.05)
    model.eval()
    path = tmp_path / "model.onnx"
    export_network(model, path, (3, 32, 32), EXPORT)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, 32, 32))
    found = count_complexity(path)
    assert found.flops == counter.get_total_flops()
    assert found.flops == 2 * found.macs
    assert found.parameters == folded_parameters(model)
    assert found.file_bytes == path.stat().st_size


def test_int8_counts_as_its_fp32_sibling(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = resnet8(1, 10).eval()
    export_network(model, tmp_path / "fp32.onnx", (1, 16, 16), EXPORT)
    images = [torch.randn(8, 1, 16, 16).numpy()]
    settings = QuantizeSettings(calibration_images=8, calibration="minmax")
    quantize_file(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", images, settings)
    fp32, int8 = count_complexity(tmp_path / "fp32.onnx"), count_complexity(tmp_path / "int8.onnx")
    assert (int8.parameters, int8.macs) == (fp32.parameters, fp32.macs)
    assert int8.file_bytes < fp32.file_bytes


def test_a_file_that_is_not_onnx_is_refused() -> None:
    with pytest.raises(ModelError, match="not an ONNX file"):
        read_onnx(ROOT / "Makefile")


def test_a_truncated_file_is_refused(tmp_path: Path, network: Path) -> None:
    content = network.read_bytes()
    (tmp_path / "half.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="truncated"):
        read_onnx(tmp_path / "half.onnx")


def test_work_that_cannot_be_counted_is_unknown_and_not_0(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, save

    node = helper.make_node("Einsum", ["input", "input"], ["output"], equation="bi,bj->bij")
    shapes = [("input", ["batch", 4]), ("output", ["batch", 4, 4])]
    source, sink = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes)
    graph = helper.make_graph([node], "einsum", [source], [sink])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), tmp_path / "m.onnx")
    found = count_complexity(tmp_path / "m.onnx")
    assert (found.macs, found.flops) == (None, None)
    assert found.reasons["macs"] == "operator Einsum is not counted"
