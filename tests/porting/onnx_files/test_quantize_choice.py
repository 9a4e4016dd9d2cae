"""The choice by validation accuracy: of the calibration, and of the nodes that stay fp32."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from modules import tensor
from onnx import TensorProto, helper
from torch import nn
from torch.nn.functional import cross_entropy

from backbones.resnet import resnet8
from porting.configuration.components import NamedComponent
from porting.configuration.settings import ExportSettings
from porting.onnx_files.onnx_export import export_network
from porting.onnx_files.quantization.choose import by_sensitivity, choose
from porting.onnx_files.quantization.fp32_file import Fp32File
from porting.onnx_files.quantization.int8_candidate import Int8Candidate
from porting.onnx_files.quantization.int8_format import Calibration, int8_format_here
from porting.onnx_files.quantization.qdq import quantised_nodes
from porting.workspace.data import Data
from profiler.common.errors import DnnPortingError

EXPORT = ExportSettings(opset=20, tolerance=1e-4, open_axes=[])
CALIBRATIONS: tuple[Calibration, ...] = ("minmax", "percentile")
FORMAT = int8_format_here("u8s8")
Make = Callable[[nn.Module], Fp32File]


@pytest.fixture(scope="module")
def digits() -> Data:
    return Data(NamedComponent.model_validate({"_target_": "datamodules.digits.Digits", "name": "digits"}))


@pytest.fixture(scope="module")
def images(digits: Data) -> list[np.ndarray]:
    return [batch.numpy() for batch, _ in digits.training_images(128)]


@pytest.fixture(scope="module")
def trained(digits: Data) -> nn.Module:
    """A narrow network that knows most digits."""
    torch.manual_seed(0)
    return fitted(resnet8(1, 10, width=0.5), digits, epochs=4)


def fitted(model: nn.Module, digits: Data, epochs: int) -> nn.Module:
    batches = list(digits.batches("train"))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=epochs * len(batches))
    for batch, labels in batches * epochs:
        optimizer.zero_grad()
        torch.autograd.backward(cross_entropy(model(batch), labels))
        optimizer.step()
        schedule.step()
    return model.eval()


@pytest.fixture(scope="module")
def exported(digits: Data, tmp_path_factory: pytest.TempPathFactory) -> Callable[[nn.Module], Path]:
    """Every network's file, written once."""

    @cache
    def once(model: nn.Module) -> Path:
        path = tmp_path_factory.mktemp("exported") / "model.onnx"
        export_network(model, path, digits.input_shape, EXPORT)
        return path

    return once


@pytest.fixture
def original(exported: Callable[[nn.Module], Path], digits: Data, images: list[np.ndarray], tmp_path: Path) -> Make:
    return lambda model: Fp32File(exported(model), digits, lambda: images, tmp_path / "tried")


@pytest.fixture(scope="module")
def sensitive(trained: nn.Module) -> nn.Module:
    """The trained network with one convolution whose weights for an empty channel dwarf all others."""
    model = deepcopy(trained)
    with torch.no_grad():
        tensor(model, "layer2.0.bn1.weight")[0] = 0
        tensor(model, "layer2.0.bn1.bias")[0] = 0
        tensor(model, "layer2.0.conv2.weight")[:, 0] = 1000
    return model


def sensitive_node(original: Fp32File) -> str:
    graph = onnx.load(original.source).graph
    return next(str(node.name) for node in graph.node if "layer2.0.conv2.weight" in node.input)


def test_the_calibration_with_the_best_validation_accuracy_is_kept(
    trained: nn.Module, original: Make, images: list[np.ndarray]
) -> None:
    spoilt = [batch.copy() for batch in images]
    spoilt[0][0, 0, 0, 0] = 300
    file = original(trained)
    file.images = lambda: spoilt
    found = {name: file.candidate(FORMAT, name).loss for name in CALIBRATIONS}
    assert found["percentile"] < found["minmax"]
    assert choose(file, FORMAT, CALIBRATIONS, 1.0).calibration == "percentile"


def test_of_equals_the_first_is_kept(trained: nn.Module, original: Make) -> None:
    file = original(trained)
    assert choose(file, FORMAT, ("percentile", "percentile"), 1.0).calibration == "percentile"


def test_no_node_stays_fp32_where_the_loss_is_small(trained: nn.Module, original: Make) -> None:
    chosen = choose(original(trained), FORMAT, CALIBRATIONS, 0.05)
    assert chosen.fp32_nodes == ()
    assert chosen.loss <= 0.05


def test_a_sensitive_layer_is_found_and_left_in_fp32_and_the_accuracy_comes_back(
    sensitive: nn.Module, original: Make
) -> None:
    file = original(sensitive)
    assert file.candidate(FORMAT, "minmax").loss > 0.2
    chosen = choose(file, FORMAT, ("minmax",), 0.02)
    assert chosen.fp32_nodes == (sensitive_node(file),)
    assert chosen.loss <= 0.02


def test_nodes_are_ranked_by_what_each_alone_does_to_the_answers(sensitive: nn.Module, original: Make) -> None:
    file = original(sensitive)
    whole = file.candidate(FORMAT, "minmax")
    ranked = by_sensitivity(file, whole)
    assert ranked[0] == sensitive_node(file)
    assert sorted(ranked) == sorted(quantised_nodes(whole.path))
    assert set(file.nodes) < set(ranked)


def test_at_most_half_of_the_nodes_stay_fp32_and_the_best_that_was_tried_is_kept(
    sensitive: nn.Module, original: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = original(sensitive)
    tried: list[Int8Candidate] = []
    candidate = Fp32File.candidate

    def recorded(self: Fp32File, *arguments: Any, **options: Any) -> Int8Candidate:
        tried.append(candidate(self, *arguments, **options))
        return tried[-1]

    monkeypatch.setattr(Fp32File, "candidate", recorded)
    chosen = choose(file, FORMAT, ("minmax",), -1.0)
    assert max(len(one.fp32_nodes) for one in tried) == len(quantised_nodes(tried[0].path)) // 2
    assert chosen.loss == min(one.loss for one in tried)


def test_a_file_without_weights_is_refused(digits: Data, images: list[np.ndarray], tmp_path: Path) -> None:
    shape: list[str | int] = ["batch", 1, 32, 32]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["input"], ["output"])],
        "no weights",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, tmp_path / "model.onnx")
    file = Fp32File(tmp_path / "model.onnx", digits, lambda: images, tmp_path / "tried")
    with pytest.raises(DnnPortingError, match=r"nothing in .*model.onnx could be quantised"):
        choose(file, FORMAT, CALIBRATIONS, 0.01)


@pytest.mark.parametrize("bias", [1.0, float("nan")], ids=["one answer", "nan"])
def test_an_fp32_file_that_tells_no_image_from_another_is_refused(
    trained: nn.Module, digits: Data, images: list[np.ndarray], tmp_path: Path, bias: float
) -> None:
    broken, path = deepcopy(trained), tmp_path / "model.onnx"
    with torch.no_grad():
        tensor(broken, "fc.weight").fill_(0)
        tensor(broken, "fc.bias").fill_(bias)
    torch.onnx.export(
        broken, (torch.from_numpy(images[0]),), path,
        dynamic_shapes=({0: torch.export.Dim("batch")},), dynamo=True, external_data=False, verbose=False,
    )  # fmt: skip
    with pytest.raises(DnnPortingError, match=r"model.onnx gives NaN or one answer to all calibration images"):
        choose(Fp32File(path, digits, lambda: images, tmp_path / "tried"), FORMAT, ("minmax",), 0.01)


def test_a_file_whose_every_candidate_gives_one_answer_is_refused(digits: Data, original: Make) -> None:
    pixels = int(np.prod(digits.input_shape))
    linear = nn.Linear(pixels, 10)
    with torch.no_grad():
        linear.bias[0] = 100_000
    file = original(nn.Sequential(nn.Flatten(), linear).eval())
    with pytest.raises(DnnPortingError, match=r"every int8 candidate of .*u8s8 gives NaN or one answer"):
        choose(file, FORMAT, ("minmax",), 0.01)
