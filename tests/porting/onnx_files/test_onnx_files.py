"""Export and evaluation: the file is servable, answers as the network does, and holds no machine's trace."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from backbones.resnet import resnet8
from porting.configuration.components import NamedComponent
from porting.configuration.settings import ExportSettings, OpenAxis
from porting.onnx_files.evaluate import accuracy, evaluate
from porting.onnx_files.onnx_export import check_export, export_network, other_shapes
from porting.workspace.data import Data
from profiler.common.errors import DnnPortingError, ModelError
from profiler.common.files import sha256
from profiler.runtimes.session import open_session

EXPORT = ExportSettings(opset=20, tolerance=1e-4, open_axes=[])
SHAPE = (1, 32, 32)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return resnet8(1, 10, width=0.5).eval()


@pytest.fixture(scope="module")
def digits() -> Data:
    return Data(NamedComponent.model_validate({"_target_": "datamodules.digits.Digits", "name": "digits"}))


@pytest.fixture(scope="module")
def exported(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export_network(network, path, SHAPE, EXPORT)
    return path


def test_the_batch_axis_is_symbolic_and_the_opset_is_the_one_asked_for(exported: Path) -> None:
    file = onnx.load(exported)
    assert file.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert [entry.version for entry in file.opset_import if entry.domain == ""] == [20]


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_the_file_answers_as_the_network_does(network: nn.Module, exported: Path, batch: int) -> None:
    images = torch.randn(batch, *SHAPE)
    with torch.no_grad():
        expected = network(images).numpy()
    (found,) = open_session(exported, 1).run(None, {"input": images.numpy()})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_file_of_another_network_fails_the_parity_check(exported: Path) -> None:
    torch.manual_seed(1)
    other = resnet8(1, 10, width=0.5).eval()
    with pytest.raises(DnnPortingError, match=r"differs from the network.*at batch 1"):
        check_export(other, exported.read_bytes(), SHAPE, EXPORT)


def test_the_same_network_gives_the_same_bytes(network: nn.Module, exported: Path, tmp_path: Path) -> None:
    export_network(network, tmp_path / "again.onnx", SHAPE, EXPORT)
    assert sha256(tmp_path / "again.onnx") == sha256(exported)


def test_the_file_holds_no_source_lines_or_paths(exported: Path) -> None:
    content = exported.read_bytes()
    assert b".py" not in content
    assert b"stack_trace" not in content


def test_a_network_that_fixes_its_batch_is_refused(tmp_path: Path) -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.fc(x.reshape(2, 4))
            return answer

    with pytest.raises(ModelError, match=r"any batch size|fixes its batch size"):
        export_network(Fixed(), tmp_path / "model.onnx", (1, 2, 2), EXPORT)


@pytest.mark.parametrize(
    ("axes", "dims"),
    [(["height", "width"], ["batch", 1, "height", "width"]), (["width"], ["batch", 1, 32, "width"])],
)
def test_open_axes_are_symbolic_and_the_file_answers_other_sizes_as_the_network_does(
    network: nn.Module, tmp_path: Path, axes: list[OpenAxis], dims: list[str | int]
) -> None:
    export_network(network, tmp_path / "model.onnx", SHAPE, EXPORT.model_copy(update={"open_axes": axes}))
    file = onnx.load(tmp_path / "model.onnx")
    assert [dim.dim_param or dim.dim_value for dim in file.graph.input[0].type.tensor_type.shape.dim] == dims
    images = torch.randn(2, 1, 48 if "height" in axes else 32, 40)
    with torch.no_grad():
        expected = network(images).numpy()
    (found,) = open_session(tmp_path / "model.onnx", 1).run(None, {"input": images.numpy()})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


class FixedFeatures(nn.Module):
    """A linear layer on all values of the picture, or on those of a pooling to a fixed size that ONNX writes fixed."""

    def __init__(self, pool: bool) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(2) if pool else nn.Identity()
        self.fc = nn.Linear(4 if pool else 64, 3)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.fc(self.pool(x).flatten(1))
        return answer


@pytest.mark.parametrize("pool", [False, True])
def test_a_network_of_one_size_is_refused_in_one_line_with_the_fix(tmp_path: Path, pool: bool) -> None:
    settings = EXPORT.model_copy(update={"open_axes": ["height", "width"]})
    with pytest.raises(
        ModelError, match=r"answers pictures of \[8, 8\] only .*set export.open_axes=\[\], or end"
    ) as raised:
        export_network(FixedFeatures(pool).eval(), tmp_path / "model.onnx", (1, 8, 8), settings)
    assert "\n" not in str(raised.value)


def test_both_axes_of_other_shapes_grow_differently() -> None:
    assert other_shapes((3, 32, 40), ["height", "width"]) == [(3, 64, 60), (3, 48, 80)]
    assert other_shapes((3, 32, 40), ["height"]) == [(3, 64, 40), (3, 48, 40)]
    assert other_shapes((3, 32, 40), []) == []


def test_the_accuracy_is_that_of_the_file_on_its_own_predictions(exported: Path, digits: Data, tmp_path: Path) -> None:
    path = Path(shutil.copy(exported, tmp_path))
    found = evaluate(path, digits).accuracy
    predictions = np.load(path.parent / "predictions.npz")
    labels = digits.module.split("test").labels.numpy()
    assert found["test"].value == pytest.approx((predictions["test"] == labels).mean())
    assert found["test"].n == len(labels)
    assert found["val"].split == "val"


def test_an_accuracy_carries_wilson_s_interval(digits: Data) -> None:
    found = accuracy(90, 100, digits, "val")
    assert (round(found.low, 4), round(found.high, 4)) == (0.8256, 0.9448)
