"""Every choice under `conf/` composes into valid settings, and every component in it can be built."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from narrowing import of
from omegaconf import OmegaConf
from support import ROOT, SHARED_DATA

from porting.configuration.settings import Settings, validated
from profiler.common.errors import BadInputError
from profiler.common.target import Target

CONF = ROOT / "conf"
FOLDERS = ("bee_ants", "image_folder")


def choices(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def settings(*overrides: str) -> Settings:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        values = OmegaConf.to_container(compose("config", list(overrides)), resolve=True)
        return validated(of(values, dict))


BY_NAME = {"timm": "mobilenetv3_small_050", "torchvision": "squeezenet1_1"}


@pytest.mark.parametrize("name", choices("backbone"))
def test_every_backbone_can_be_built(name: str) -> None:
    import torch

    network = [f"backbone.network={BY_NAME[name]}"] if name in BY_NAME else []
    model = settings(f"backbone={name}", *network).backbone.build(in_channels=3, num_classes=7)
    assert model.eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize("name", [name for name in choices("datamodule") if name not in ("none", *FOLDERS)])
def test_every_datamodule_can_be_built(name: str, tmp_path: Path) -> None:
    component = settings(f"datamodule={name}", f"workspace={tmp_path}").datamodule
    assert component is not None
    assert component.build().preprocessing.input_shape[0] in (1, 3)


@pytest.mark.parametrize("name", FOLDERS)
def test_every_folder_of_pictures_can_be_built(name: str, tmp_path: Path) -> None:
    for label in ("ants", "bees"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.png").write_bytes(b"")
    component = settings(f"datamodule={name}", f"datamodule.root={tmp_path}").datamodule
    assert component is not None
    assert component.build().classes == ["ants", "bees"]


def test_the_screening_level_measures_the_same_input_sizes() -> None:
    found = settings("profile=full", "export.open_axes=[height]", "profile.latency.input_sizes=[32,48]").profile
    assert found.screen_with is not None
    assert found.screen_with.latency is not None
    assert found.screen_with.latency.input_sizes == [32, 48]


@pytest.mark.parametrize("level", ["quick", "full"])
def test_open_axes_need_the_sizes_to_measure(level: str) -> None:
    with pytest.raises(BadInputError, match=r"name the sizes to measure with profile.latency.input_sizes"):
        settings(f"profile={level}", "export.open_axes=[height,width]")


def test_no_datamodule_is_a_choice() -> None:
    assert settings("datamodule=none", "model=some/Net_v1.onnx").datamodule is None


@pytest.mark.parametrize("name", choices("pruner"))
def test_every_pruner_can_be_built(name: str) -> None:
    found = settings(f"pruner={name}").pruners
    assert list(found) == [name]
    assert callable(found[name].build().prune)


@pytest.mark.parametrize("name", choices("target"))
def test_every_target_can_be_built(name: str) -> None:
    found = settings(f"target={name}").targets
    assert list(found) == [name]
    assert isinstance(found[name].build(), Target)


@pytest.mark.parametrize("name", choices("experiment"))
def test_every_experiment_is_only_overrides(name: str) -> None:
    chosen = settings(f"experiment={name}")
    assert set(chosen.model_dump()) == set(settings().model_dump())
    assert chosen != settings()


def test_an_import_is_named_after_its_file() -> None:
    assert settings("datamodule=none", "model=some/Net_v1.onnx").task == "net-v1"


@pytest.mark.data("cifar10")
def test_a_datamodule_takes_files_that_lie_elsewhere() -> None:
    component = settings("datamodule=cifar10", f"datamodule.root={SHARED_DATA / 'cifar10'}").datamodule
    assert component is not None
    assert len(component.build().split("test")) == 10_000
