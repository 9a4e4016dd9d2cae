import sys
from pathlib import Path

import pytest

from porting.components import Component, NamedComponent, locate, path_arguments
from profiler.errors import BadInputError


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
        component("porting.pruners.nni.NNI").build()


def test_a_wrong_value_is_explained_by_the_component() -> None:
    with pytest.raises(BadInputError, match="criterion 'magic' is unknown: choose one of taylor, l1, fpgm"):
        component("porting.pruners.nni.NNI", criterion="magic").build()


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
    sys.modules.pop("my_plugin")


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


def test_a_name_is_a_dns_label() -> None:
    with pytest.raises(ValueError, match="pattern"):
        NamedComponent.model_validate({"_target_": "a.b", "name": "Not_A_Label"})
