"""A signed repository: whoever has the public key notices whatever was altered since."""

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from made_repository import IMAGES_PER_S, SLOW, items
from sealed import edit_index

from porting.repository import Repository
from porting.repository.integrity import SIGNATURE
from porting.repository.publishing.writer import publish, sign
from profiler.common.errors import BadInputError

ALTERED = 100


def key_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A private key and its public one."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private], check=True, timeout=60
    )
    subprocess.run(["openssl", "ec", "-in", private, "-pubout", "-out", public], check=True, timeout=60,
                   stderr=subprocess.DEVNULL)  # fmt: skip
    return private, public


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return key_pair(tmp_path_factory.mktemp("keys"), "own")


@pytest.fixture(scope="module")
def signed(keys: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    return publish(folder / "repository", items(folder), keys[0]).storage.local


@pytest.fixture(scope="module")
def older(keys: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the same key signed before."""
    folder = tmp_path_factory.mktemp("older")
    rates = {name: rate * 0.9 for name, rate in IMAGES_PER_S.items()}
    return publish(folder / "repository", items(folder, rates), keys[0]).storage.local


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def flip(dice: random.Random, folder: Path, older: Path) -> None:
    path = dice.choice([one for one in files(folder) if one.stat().st_size])
    content = bytearray(path.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


def swap(dice: random.Random, folder: Path, older: Path) -> None:
    one, other = dice.choice(
        [(one, other) for one in files(folder) for other in files(folder) if one.read_bytes() != other.read_bytes()]
    )
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def remove(dice: random.Random, folder: Path, older: Path) -> None:
    dice.choice(files(folder)).unlink()


def add(dice: random.Random, folder: Path, older: Path) -> None:
    place = dice.choice([path for path in folder.rglob("*") if path.is_dir()] + [folder])
    (place / dice.choice(["model.py", "x", ".hidden", "config.pbtxt.bak"])).write_bytes(b"")


def link(dice: random.Random, folder: Path, older: Path) -> None:
    path = dice.choice(list(folder.rglob("*")))
    moved = folder.parent / "moved"
    shutil.move(path, moved)
    path.symlink_to(moved)


def old_signature(dice: random.Random, folder: Path, older: Path) -> None:
    shutil.copyfile(older / SIGNATURE, folder / SIGNATURE)


def old_index(dice: random.Random, folder: Path, older: Path) -> None:
    for name in ("repository.json", SIGNATURE):
        shutil.copyfile(older / name, folder / name)


def edited(dice: random.Random, folder: Path, older: Path) -> None:
    edit_index(folder, lambda tree: tree["variants"][0].__setitem__("version", dice.randrange(2, 99)))


def signed_by_another(dice: random.Random, folder: Path, older: Path) -> None:
    sign(Repository.load(folder), key_pair(folder.parent, "other")[0])


WAYS = [flip, flip, flip, swap, remove, add, link, old_signature, old_index, edited, signed_by_another]


def test_as_it_was_signed_it_is_read(signed: Path, keys: tuple[Path, Path]) -> None:
    assert len(Repository.load(signed, keys[1]).variants) == 3
    assert len(Repository.load(signed).variants) == 3


def test_a_hundred_of_a_hundred_altered_copies_are_caught(
    signed: Path, older: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    dice, missed, caught = random.Random(17), [], []  # noqa: S311
    for number in range(ALTERED):
        folder = shutil.copytree(signed, tmp_path / str(number) / "repository")
        way: Callable[[random.Random, Path, Path], None] = WAYS[number % len(WAYS)]
        way(dice, folder, older)
        try:
            Repository.load(folder, keys[1])
            missed.append((number, way.__name__))
        except BadInputError as error:
            caught.append(str(error))
    assert missed == []
    assert all(one.isprintable() for one in caught)


def test_what_was_never_signed_is_refused_where_a_key_is_given(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    unsigned = publish(tmp_path / "repository", items(tmp_path)).storage.local
    with pytest.raises(BadInputError, match=rf"{SIGNATURE} does not exist"):
        Repository.load(unsigned, keys[1])
    sign(Repository.load(unsigned), keys[0])
    assert Repository.load(unsigned, keys[1]).by_name.keys() == IMAGES_PER_S.keys()


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key_is_refused_in_one_line(
    signed: Path, keys: tuple[Path, Path], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "key").write_bytes(content)
    work: Callable[[], object]
    for work in (
        lambda: Repository.load(signed, tmp_path / "key"),
        lambda: publish(tmp_path / "repository", items(tmp_path), tmp_path / "key"),
        lambda: Repository.load(signed, tmp_path / "none"),
        lambda: Repository.load(signed, tmp_path),
    ):
        with pytest.raises(BadInputError, match=r"(holds no key|does not exist|no plain file)") as caught:
            work()
        assert str(caught.value).isprintable()
    assert not (tmp_path / "repository").exists()


def test_a_variant_read_later_is_held_against_what_was_signed(
    signed: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(signed, tmp_path / "repository")
    repository = Repository.load(folder, keys[1])
    path = folder / SLOW / "variant.json"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(BadInputError, match="not the file of the index"):
        Repository(repository.storage, repository.index).details(SLOW)
