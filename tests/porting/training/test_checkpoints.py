"""A training's checkpoints: a damaged one costs the epochs since the one before, and nothing else."""

import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from torch import nn
from unfinished import unfinished

from backbones.resnet import resnet8
from porting.configuration.components import NamedComponent
from porting.configuration.settings import FitSettings, Settings
from porting.jobs.context import Context
from porting.training.checkpoints import identity, read, stored_checkpoints
from porting.training.streams import seeded
from porting.training.training_loop import fit
from porting.workspace.data import Data
from porting.workspace.records import Epoch
from porting.workspace.workspace import Workspace
from profiler.common.errors import BadInputError

SETTINGS = FitSettings(
    epochs=4, learning_rate=0.1, weight_decay=0.0, patience=4, label_smoothing=0.0, ema_decay=0.9, precision="fp32"
)
NAME, OTHER = "test", "other"
Told = Callable[[str, Epoch], None]


@pytest.fixture(scope="module")
def digits() -> Data:
    """Augmented, so that an epoch depends on every random number."""
    augmentation = {"zoom": 1.0, "shift": 2, "flip": False, "cutout": 0}
    values = {"_target_": "few_digits.FewDigits", "name": "digits", "augmentation": augmentation}
    return Data(NamedComponent.model_validate(values))


def trained(
    root: Path, data: Data, name: str = NAME, told: Told = lambda *_: None, settings: FitSettings = SETTINGS
) -> tuple[nn.Module, list[Epoch]]:
    context = Context(unfinished(Settings, task="digits"), Workspace(root), "", None, told, ExitStack())
    seeded(0)
    return fit(context, resnet8(1, 10, width=0.5), name, data, settings, None)


def interrupted(root: Path, data: Data, name: str = NAME, after: int = 2) -> Path:
    """The folder of a training that is interrupted when the checkpoint of epoch `after` is written."""

    def interrupt(_: str, epoch: Epoch) -> None:
        if epoch.epoch == after + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(root, data, name, interrupt)
    return folder_of(root, name)


def folder_of(root: Path, name: str = NAME) -> Path:
    return root / "tasks" / "digits" / "trainings" / name


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, digits: Data) -> tuple[nn.Module, list[Epoch]]:
    return trained(tmp_path_factory.mktemp("undisturbed"), digits)


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory, digits: Data) -> Path:
    """A workspace with two trainings of which three epochs are done; the other has other weights for its name alone."""
    root = tmp_path_factory.mktemp("half")
    interrupted(root, digits)
    shutil.copytree(folder_of(root), folder_of(root, OTHER))
    return root


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def exchanged(path: Path) -> None:
    """With the checkpoint of the epoch before: each gets the other's name."""
    other = stored_checkpoints(path.parent)[1].path
    aside = path.with_name("aside")
    path.rename(aside)
    other.rename(path)
    aside.rename(other)


def linked(path: Path) -> None:
    aside = path.with_name("aside")
    path.rename(aside)
    path.symlink_to(aside)


def into_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "file").touch()


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def into_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "emptied": lambda path: os.truncate(path, 0),
    "grown": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "zeroed": zeroed,
    "one bit": one_bit,
    "exchanged": exchanged,
    "deleted": lambda path: path.unlink(),
    "a link": linked,
    "a dangling link": dangling,
    "a folder": into_folder,
    "a fifo": into_fifo,
    "another epoch's name": lambda path: path.rename(path.with_name(path.name.replace("000002", "000003"))),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_costs_its_epoch_and_the_weights_are_those_of_an_undisturbed_training(
    half: Path, undisturbed: tuple[nn.Module, list[Epoch]], digits: Data, tmp_path: Path, damage: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shutil.copytree(half, tmp_path / "w")
    folder = folder_of(tmp_path / "w")
    DAMAGES[damage](stored_checkpoints(folder)[0].path)
    model, history = trained(tmp_path / "w", digits)
    out = capsys.readouterr().out
    assert "000002" in out or "000003" in out or "has lost one of its two checkpoints" in out
    assert ("goes on after epoch 1" in out) or (damage == "exchanged" and "begins anew" in out)
    assert history == undisturbed[1]
    for name, tensor in undisturbed[0].state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name]), name


@pytest.mark.parametrize("after", [0, 1, 2])
def test_an_interrupted_training_of_augmented_images_gives_the_weights_of_an_undisturbed_one(
    undisturbed: tuple[nn.Module, list[Epoch]], digits: Data, tmp_path: Path, after: int
) -> None:
    interrupted(tmp_path, digits, after=after)
    model, history = trained(tmp_path, digits)
    assert history == undisturbed[1]
    for name, tensor in undisturbed[0].state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name]), name


def test_what_follows_a_training_draws_the_same_random_numbers_whether_it_was_interrupted(
    digits: Data, tmp_path: Path
) -> None:
    trained(tmp_path, digits)
    drawn = torch.rand(4)
    # It is complete already, so that no epoch is left to draw any.
    trained(tmp_path, digits)
    assert torch.equal(torch.rand(4), drawn)


def test_a_network_of_another_shape_is_another_training() -> None:
    narrow, wide = (identity(NAME, resnet8(1, 10, width=width)) for width in (0.5, 0.75))
    assert narrow != wide


def test_a_checkpoint_of_another_training_is_refused(
    half: Path, digits: Data, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(half, tmp_path / "w")
    for one in stored_checkpoints(folder_of(tmp_path / "w", OTHER)):
        with pytest.raises(BadInputError, match="belongs to another training: remove it"):
            read(one.path, identity(OTHER, resnet8(1, 10, width=0.5)))
    _, history = trained(tmp_path / "w", digits, OTHER)
    assert "begins anew" in capsys.readouterr().out
    assert [epoch.epoch for epoch in history] == [0, 1, 2, 3]


def test_a_whole_checkpoint_is_gone_on_with_in_silence(
    half: Path, digits: Data, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(half, tmp_path / "w")
    seen: list[float] = []
    trained(tmp_path / "w", digits, told=lambda _, epoch: seen.append(epoch.epoch))
    assert capsys.readouterr().out == ""
    assert [one.epoch for one in stored_checkpoints(folder_of(tmp_path / "w"))] == [3, 2]


def test_a_training_that_had_stopped_early_stays_stopped_and_trains_no_further_epoch(
    digits: Data, tmp_path: Path
) -> None:
    # As when a process dies between the last epoch and the variant.
    settings = SETTINGS.model_copy(update={"epochs": 12, "learning_rate": 1e-9, "patience": 1, "ema_decay": 0.0})
    _, history = trained(tmp_path, digits, settings=settings)
    assert len(history) == 2
    _, again = trained(tmp_path, digits, settings=settings)
    assert again == history


def test_what_a_training_has_is_kept_until_its_variant_is_complete(digits: Data, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with workspace.making("digits", NAME):
        trained(tmp_path, digits)
        trained(tmp_path, digits, f"{NAME}-step-1")
        assert stored_checkpoints(folder_of(tmp_path))
    assert not list(folder_of(tmp_path).parent.iterdir())


def test_what_a_killed_process_left_of_a_complete_variants_training_is_removed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for name in (NAME, OTHER):
        folder_of(tmp_path, name).mkdir(parents=True)
    (workspace.variants_folder("digits") / NAME).mkdir(parents=True)
    (workspace.variants_folder("digits") / NAME / "variant.json").touch()
    with workspace.writing("digits"):
        assert [path.name for path in folder_of(tmp_path).parent.iterdir()] == [OTHER]


def test_a_training_does_not_write_through_a_link(digits: Data, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder_of(tmp_path).parent.mkdir(parents=True)
    folder_of(tmp_path).symlink_to(elsewhere)
    trained(tmp_path, digits)
    assert not list(elsewhere.iterdir())
