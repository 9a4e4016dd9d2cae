import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hydra import compose, initialize_config_dir
from narrowing import of
from omegaconf import OmegaConf
from pydantic import BaseModel, Field
from support import ROOT

from backbones.resnet import resnet8
from porting.configuration.components import Component, NamedComponent, locate, path_arguments
from porting.configuration.settings import validated
from porting.pruners.criteria.weights import Norm
from porting.pruners.interface import Request
from porting.pruners.policies import Uniform
from profiler.common.errors import BadInputError


def component(target: str, **arguments: object) -> Component:
    return Component.model_validate({"_target_": target, **arguments})


def test_a_component_builds_what_its_config_says() -> None:
    model = component("backbones.resnet.resnet8", width=0.5).build(in_channels=1, num_classes=4)
    assert model.fc.out_features == 4


def test_a_misspelt_argument_is_named_with_its_neighbour() -> None:
    with pytest.raises(BadInputError, match=r"takes no 'widht': did you mean 'width'\?"):
        component("backbones.resnet.resnet8", widht=8).build(in_channels=1, num_classes=4)


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(BadInputError, match="needs 'criterion'"):
        component("porting.pruners.engines.nni.NNI").build()


def test_a_wrong_value_is_explained_by_the_component() -> None:
    with pytest.raises(BadInputError, match="criterion 'magic' is unknown: NNI has taylor, l1, l2, fpgm"):
        component("porting.pruners.engines.nni.NNI", criterion="magic").build()


class Level(BaseModel):
    size: int = Field(ge=0)


def test_what_pydantic_refuses_is_said_in_one_line_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "my_levels", SimpleNamespace(Level=Level))
    with pytest.raises(BadInputError) as refused:
        component("my_levels.Level", size=-3).build()
    message = "my_levels.Level cannot be made: size=-3 cannot be used: input should be greater than or equal to 0"
    assert str(refused.value) == message


def test_an_unknown_module_and_an_unknown_name_are_told_apart() -> None:
    with pytest.raises(BadInputError, match="--config-dir"):
        locate("nowhere.to_be.found")
    with pytest.raises(BadInputError, match="did you mean 'resnet8'"):
        locate("backbones.resnet.resnt8")


def test_machine_paths_are_no_part_of_the_recipe() -> None:
    assert path_arguments(locate("datamodules.torchvision_sets.Cifar10")) == {"root"}
    here = component("datamodules.torchvision_sets.Cifar10", root="/here", batch_size=8)
    there = component("datamodules.torchvision_sets.Cifar10", root="/there", batch_size=8)
    assert here.recipe() == there.recipe()
    assert here.recipe() != component("datamodules.torchvision_sets.Cifar10", root="/here", batch_size=9).recipe()


def test_a_changed_source_changes_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    source = tmp_path / "my_plugin.py"
    source.write_text("def build():\n    return 1\n")
    plugin = component("my_plugin.build")
    before = plugin.recipe()
    source.write_text("def build():\n    return 2\n")
    assert plugin.recipe() != before


def test_a_changed_helper_beside_the_plugin_changes_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "my_helper.py").write_text("VALUE = 1\n")
    (tmp_path / "my_other.py").write_text("from my_helper import VALUE\n\n\ndef build():\n    return VALUE\n")
    plugin = component("my_other.build")
    before = plugin.recipe()
    (tmp_path / "unrelated.py").write_text("")
    assert plugin.recipe() == before
    (tmp_path / "my_helper.py").write_text("VALUE = 2\n")
    assert plugin.recipe() != before
    for name in ("my_helper", "my_other"):
        sys.modules.pop(name, None)


TORCH_PRUNING = "porting.pruners.engines.torch_pruning.TorchPruning"
NORM = "porting.pruners.criteria.weights.Norm"


def test_an_argument_may_be_a_component_itself() -> None:
    pruner = component(TORCH_PRUNING, criterion={"_target_": NORM, "p": 1}).build()
    assert isinstance(pruner.criterion, Norm)
    assert pruner.criterion.p == 1


@pytest.mark.parametrize(("nested", "said"), [
    ({"_target_": NORM, "q": 1}, r"Norm takes no 'q'"),
    ({"_target_": NORM}, "Norm needs 'p': set it in its config"),
    ({"_target_": NORM, "p": 3}, "Norm cannot be made: p=3 is no norm"),
    ({"_target_": "porting.pruners.criteria.weights.Nrom", "p": 1}, "did you mean 'Norm'"),
    ({"_target_": "nowhere.to_be.Found"}, "--config-dir"),
    ({"_target_": "not a path"}, "_target_ 'not a path' is no dotted path"),
    ("taylor", r"TorchPruning cannot be made: criterion 'taylor' has no score\(\)"),
])  # fmt: skip
def test_a_nested_component_is_checked_in_the_same_way(nested: object, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        component(TORCH_PRUNING, criterion=nested).build()


def test_components_are_found_in_lists_and_at_any_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "my_mixture.py").write_text("def mixture(parts, plain):\n    return parts, plain\n")
    inner = {"_target_": "my_mixture.mixture", "parts": [{"_target_": NORM, "p": 2}], "plain": {"a": [1]}}
    parts, plain = component("my_mixture.mixture", parts={"first": inner}, plain=None).build()
    (norm,), deep = parts["first"]
    assert (norm.p, deep, plain) == (2, {"a": [1]}, None)
    sys.modules.pop("my_mixture")


def test_a_nested_component_s_arguments_and_path_change_the_recipe() -> None:
    recipes = [
        component(TORCH_PRUNING, criterion=nested).recipe()
        for nested in (
            {"_target_": NORM, "p": 1}, {"_target_": NORM, "p": 2},
            {"_target_": "porting.pruners.criteria.weights.FPGM"},
        )
    ]  # fmt: skip
    assert len({json.dumps(recipe) for recipe in recipes}) == 3


def test_a_nested_component_s_machine_paths_are_no_part_of_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "my_cache.py").write_text(
        "from pathlib import Path\n\n\ndef cached(folder: Path, inner=None):\n    return folder, inner\n"
    )

    def recipe(folder: str) -> object:
        return component(
            "my_cache.cached", inner={"_target_": "my_cache.cached", "folder": folder}, folder="x"
        ).recipe()

    assert recipe("/here") == recipe("/there")


CRITERION = """
import torch


class Last:
    def __init__(self, factor):
        self.factor = factor

    def score(self, model, groups, batches):
        return [-self.factor * torch.arange(float(group.width)) for group in groups]
"""


def composed(folder: Path, pruner: str) -> Component:
    """A pruner of a run with `--config-dir` folder."""
    overrides = [f"pruner={pruner}", f"hydra.searchpath=[file://{folder}]"]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("config", overrides)
    return validated(of(OmegaConf.to_container(config, resolve=True), dict)).pruners[pruner]


def test_a_criterion_from_the_user_s_folder_prunes_and_is_part_of_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    source = tmp_path / "my_criterion.py"
    source.write_text(CRITERION)
    (tmp_path / "pruner").mkdir()
    (tmp_path / "pruner" / "last.yaml").write_text(
        f"# @package pruners.last\n_target_: {TORCH_PRUNING}\ncriterion: {{_target_: my_criterion.Last, factor: 2}}\n"
    )
    mine = composed(tmp_path, "last")
    model = resnet8(3, 10)
    kept = model.conv1.weight[:8].clone()
    images = torch.randn(2, 3, 16, 16)
    smaller = mine.build().prune(model, Request(Uniform(0.5, 4), [(images, torch.tensor([0, 1]))]))
    assert torch.equal(smaller.conv1.weight, kept)

    before = mine.recipe()
    assert composed(tmp_path, "last").recipe() == before
    source.write_text(CRITERION.replace("-self.factor", "self.factor"))
    assert mine.recipe() != before
    assert composed(tmp_path, "l1").recipe() != before
    sys.modules.pop("my_criterion")


def test_a_name_is_a_dns_label() -> None:
    with pytest.raises(ValueError, match="pattern"):
        NamedComponent.model_validate({"_target_": "a.b", "name": "Not_A_Label"})
