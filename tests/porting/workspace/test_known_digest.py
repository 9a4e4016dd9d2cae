"""A data set's digest is known for as long as its files, its code and its versions are what they were."""

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from porting.configuration.components import NamedComponent
from porting.workspace import known_digest
from porting.workspace.data import Data
from profiler.common.errors import BadInputError


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Eight pictures of each of two classes."""
    for place, label in enumerate(("cat", "dog")):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(8):
            colour = (20 * number, 100 * place, 50)
            Image.new("RGB", (8, 8), colour).save(tmp_path / "pictures" / label / f"{number}.png")
    return tmp_path / "pictures"


def component(root: Path, **values: Any) -> NamedComponent:
    target = "datamodules.image_folder.ImageFolder"
    return NamedComponent.model_validate({"_target_": target, "name": "pets", "root": str(root), "size": 8, **values})


@pytest.fixture
def kept(pictures: Path, tmp_path: Path) -> str:
    """The digest that a first run has kept in the workspace."""
    data = Data(component(pictures), tmp_path)
    digest = data.digest
    data.keep_digest()
    return digest


def known(pictures: Path, workspace: Path, **values: Any) -> str | None:
    found = known_digest.read(workspace, component(pictures, **values))
    return None if found is None else found.digest


def test_a_digest_is_known_without_loading_the_data(
    kept: str, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NamedComponent, "build", lambda _: pytest.fail("it was loaded"))
    assert Data(component(pictures), tmp_path).digest == kept


def test_a_digest_is_that_of_the_loaded_data(kept: str, pictures: Path) -> None:
    assert Data(component(pictures)).digest == kept


def replaced(pictures: Path) -> None:
    file = pictures / "cat" / "3.png"
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def added(pictures: Path) -> None:
    Image.new("RGB", (8, 8), (255, 255, 255)).save(pictures / "dog" / "new.png")


def removed(pictures: Path) -> None:
    (pictures / "dog" / "5.png").unlink()


def renamed(pictures: Path) -> None:
    (pictures / "dog" / "5.png").rename(pictures / "dog" / "9.png")


def moved(pictures: Path) -> None:
    (pictures / "dog" / "5.png").rename(pictures / "cat" / "9.png")


def named_anew(pictures: Path) -> None:
    (pictures / "dog").rename(pictures / "hound")


def unreadable(pictures: Path) -> None:
    (pictures / "dog" / "5.png").unlink()
    os.mkfifo(pictures / "dog" / "5.png")


@pytest.mark.parametrize("change", [replaced, added, removed, renamed, moved, named_anew, unreadable])
@pytest.mark.usefixtures("kept")
def test_a_change_of_the_pictures_is_noticed(change: Any, pictures: Path, tmp_path: Path) -> None:
    assert known(pictures, tmp_path)
    change(pictures)
    assert known(pictures, tmp_path) is None


@pytest.mark.usefixtures("kept")
def test_a_change_behind_a_link_to_a_class_is_noticed(pictures: Path, tmp_path: Path) -> None:
    (pictures / "dog").rename(tmp_path / "dogs")
    (pictures / "dog").symlink_to(tmp_path / "dogs")
    data = Data(component(pictures), tmp_path)
    assert data.digest
    data.keep_digest()
    assert known(pictures, tmp_path)
    (tmp_path / "dogs" / "5.png").write_bytes((pictures / "cat" / "5.png").read_bytes())
    assert known(pictures, tmp_path) is None


def test_a_link_that_leads_in_a_circle_ends(pictures: Path) -> None:
    (pictures / "dog" / "all").symlink_to(pictures)
    assert known_digest.content_of([str(pictures)])


@pytest.mark.usefixtures("kept")
def test_another_argument_is_another_data_set(pictures: Path, tmp_path: Path) -> None:
    assert known(pictures, tmp_path, val_share=0.3) is None
    assert known(pictures, tmp_path, augmentation={"_target_": "my.own"}) is None


@pytest.mark.usefixtures("kept")
def test_another_place_is_looked_at_itself(pictures: Path, tmp_path: Path) -> None:
    pictures.rename(tmp_path / "elsewhere")
    assert known(tmp_path / "elsewhere", tmp_path) is None


@pytest.mark.parametrize("what", ["versions", "cpu_model", "sha256"])
@pytest.mark.usefixtures("kept")
def test_other_code_or_another_processor_may_read_them_otherwise(
    what: str, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_digest, what, lambda *_: "another")
    assert known(pictures, tmp_path) is None


@pytest.mark.parametrize("damage", [b"", b"{}", b"\0" * 200, b'{\n"seal": "00"}'])
@pytest.mark.usefixtures("kept")
def test_a_damaged_record_is_not_believed(damage: bytes, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "pets.json").write_bytes(damage)
    assert known(pictures, tmp_path) is None


def test_a_digest_in_a_record_cannot_be_changed_unseen(kept: str, pictures: Path, tmp_path: Path) -> None:
    file = tmp_path / "data" / "pets.json"
    file.write_text(file.read_text().replace(kept, "0" * 64))
    assert known(pictures, tmp_path) is None


def test_data_that_changed_while_they_were_read_are_not_kept(pictures: Path, tmp_path: Path) -> None:
    data = Data(component(pictures), tmp_path)
    assert data.module
    added(pictures)
    assert data.digest
    data.keep_digest()
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("kept")
def test_data_that_changed_since_the_keys_were_made_are_refused(pictures: Path, tmp_path: Path) -> None:
    data = Data(component(pictures), tmp_path)
    assert data.digest
    added(pictures)
    with pytest.raises(BadInputError, match="datamodule pets has changed since this run began: run the same command"):
        data.labels  # noqa: B018
    assert not list((tmp_path / "data").iterdir())


def test_what_a_data_module_from_elsewhere_reads_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "my_pets.py").write_text("from datamodules.digits import Digits\nclass Mine(Digits): ...\n")
    mine = NamedComponent.model_validate({"_target_": "my_pets.Mine", "name": "mine"})
    data = Data(mine, tmp_path)
    assert data.digest == Data(mine).digest
    data.keep_digest()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("target", ["datamodules.digits.Digits", "datamodules.torchvision_sets.Cifar100"])
def test_the_project_s_own_data_modules_tell_the_files_that_they_read(target: str, tmp_path: Path) -> None:
    arguments = {"root": str(tmp_path)} if "torchvision" in target else {}
    module = NamedComponent.model_validate({"_target_": target, "name": "own", **arguments}).build()
    sources = module.sources()
    assert sources
    assert all(path.is_file() or path.is_relative_to(tmp_path) for path in sources)
