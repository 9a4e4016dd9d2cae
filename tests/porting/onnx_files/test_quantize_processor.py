"""On which processor an int8 file is exact."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from porting.onnx_files.quantization.int8_candidate import answers
from porting.onnx_files.quantization.int8_format import Int8Format, Scheme, int8_format_here, saturates
from porting.onnx_files.quantization.qdq import prepare, write_qdq
from porting.onnx_files.quantization.ranges import activation_ranges

CPUINFO = {
    "no VNNI": "processor : 0\nflags\t\t: fpu avx avx2 avx512f\n",
    "VNNI of AVX-512": "flags\t\t: avx2 avx512f avx512_vnni\n",
    "VNNI of AVX": "flags\t\t: avx2 avx_vnni\n",
}


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "expected"),
    [
        ("x86_64", CPUINFO["no VNNI"], True),
        ("AMD64", "", True),
        ("x86_64", CPUINFO["VNNI of AVX-512"], False),
        ("x86_64", CPUINFO["VNNI of AVX"], False),
        ("aarch64", "Features\t: fp asimd asimddp\n", False),
        ("arm64", "", False),
    ],
)
def test_products_saturate_on_x86_without_vnni(machine: str, cpuinfo: str, expected: bool) -> None:
    assert saturates(machine, cpuinfo) is expected


@pytest.fixture
def full_scale(tmp_path: Path) -> Path:
    """Equal weights: products of equal pixels are as large as they can be."""
    graph = helper.make_graph(
        [helper.make_node("Conv", ["input", "w"], ["output"], pads=[1, 1, 1, 1])],
        "full scale",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 8, 8, 8])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 8, 8, 8])],
        [numpy_helper.from_array(np.ones((8, 8, 3, 3), dtype=np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, tmp_path / "model.onnx")
    prepare(tmp_path / "model.onnx", tmp_path / "prepared.onnx")
    return tmp_path / "prepared.onnx"


def relative_error(path: Path, int8: Int8Format) -> float:
    images = [np.ones((1, 8, 8, 8), dtype=np.float32)]
    write_qdq(path, path.parent / "int8.onnx", activation_ranges(path, images, "minmax"), int8)
    expected = answers(path, images)
    return float(np.abs(answers(path.parent / "int8.onnx", images) - expected).max() / expected.max())


@pytest.mark.parametrize("scheme", ["u8s8", "s8s8"])
def test_the_largest_products_are_exact_on_this_processor(full_scale: Path, scheme: Scheme) -> None:
    assert relative_error(full_scale, int8_format_here(scheme)) < 0.01


@pytest.mark.skipif(not int8_format_here("u8s8").reduce_range, reason="this processor adds products in 32 bits")
@pytest.mark.parametrize("scheme", ["u8s8", "s8s8"])
def test_without_the_reduced_range_they_saturate(full_scale: Path, scheme: Scheme) -> None:
    assert relative_error(full_scale, Int8Format(scheme, reduce_range=False)) > 0.3
