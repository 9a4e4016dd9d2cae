"""Data modules: splits that do not leak, digests that follow the content, files in the original formats."""

import gzip
import itertools
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import SHARED_DATA

from datamodules.augmentation import flip, shift
from datamodules.digits import Digits
from datamodules.image_folder import ImageFolder
from datamodules.images import ImageDataModule
from datamodules.pictures import TensorImages
from datamodules.splits import stratified, without_leaks
from datamodules.torchvision_sets import Cifar10, Mnist

needs_data = pytest.mark.skipif(not SHARED_DATA.exists(), reason="the real data sets are not beside the checkout")


def contents(module: ImageDataModule) -> list[set[str]]:
    return [set(module.split(name).content()) for name in ("train", "val", "test")]


def assert_disjoint(module: ImageDataModule) -> None:
    for a, b in itertools.combinations(contents(module), 2):
        assert not a & b


def picture_folder(root: Path, per_class: int = 8) -> Path:
    generator = np.random.default_rng(0)
    for label in ("ants", "bees"):
        (root / label).mkdir(parents=True)
        for index in range(per_class):
            pixels = generator.integers(0, 255, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / label / f"{index}.png")
    return root


def test_digits_are_real_and_split_without_leaks() -> None:
    module = Digits()
    sizes = [len(module.split(name)) for name in ("train", "val", "test")]
    assert sum(sizes) == 1797
    assert_disjoint(module)


def test_every_split_holds_every_class_in_proportion() -> None:
    counts = torch.bincount(Digits().split("val").labels)
    assert counts.min() >= 34
    assert counts.max() <= 37


def test_pictures_are_normalised() -> None:
    images, labels = next(iter(Digits().loader("train")))
    assert images.shape == (64, 1, 32, 32)
    assert labels.shape == (64,)
    assert abs(images.mean()) < 0.1
    assert abs(images.std() - 1) < 0.2


def test_only_training_is_augmented_and_shuffled() -> None:
    module = Digits()
    plain = [next(iter(module.val_dataloader()))[0] for _ in range(2)]
    assert torch.equal(*plain)
    torch.manual_seed(0)
    assert not torch.equal(*[next(iter(module.train_dataloader()))[0] for _ in range(2)])


def test_the_digest_is_stable_and_follows_the_preparation() -> None:
    assert Digits().digest() == Digits().digest()
    other = Digits()
    other.classes = other.classes[::-1]
    assert other.digest() != Digits().digest()


def test_a_picture_in_two_splits_stays_only_in_the_held_out_one() -> None:
    images = torch.arange(12, dtype=torch.uint8).view(12, 1, 1, 1)
    labels = torch.zeros(12, dtype=torch.long)
    every = TensorImages(images, labels)
    clean = without_leaks({"train": every, "val": every.subset([0, 1, 2]), "test": every.subset([2, 3])})
    assert clean["test"].images.flatten().tolist() == [2, 3]
    assert clean["val"].images.flatten().tolist() == [0, 1]
    assert clean["train"].images.flatten().tolist() == [4, 5, 6, 7, 8, 9, 10, 11]


def test_a_split_left_empty_is_refused() -> None:
    every = TensorImages(torch.zeros(3, 1, 1, 1, dtype=torch.uint8), torch.zeros(3, dtype=torch.long))
    with pytest.raises(ValueError, match=r"(train|val) split is empty"):
        without_leaks({"train": every, "val": every, "test": every})


def test_stratified_parts_are_disjoint_and_complete() -> None:
    labels = torch.arange(100) % 5
    parts = stratified(labels, (0.2, 0.1))
    assert sorted(itertools.chain(*parts)) == list(range(100))
    assert [len(part) for part in parts] == [70, 20, 10]


@pytest.mark.parametrize("channels", [1, 3])
def test_augmented_pictures_lie_channel_by_channel(channels: int) -> None:
    pixels = torch.rand(4, channels, 9, 9)
    assert flip(shift(pixels, 2)).stride() == pixels.stride()


def test_shift_moves_each_picture_by_its_own_amount() -> None:
    torch.manual_seed(0)
    pixels = torch.zeros(64, 1, 9, 9)
    pixels[:, :, 4, 4] = 1
    moved = shift(pixels, 2)
    places = {tuple(torch.nonzero(picture[0])[0].tolist()) for picture in moved}
    assert moved.sum() == 64
    assert len(places) > 10


def test_flip_mirrors_some_pictures_and_not_others() -> None:
    torch.manual_seed(0)
    pixels = torch.arange(3.0).view(1, 1, 1, 3).repeat(32, 1, 1, 1)
    first = flip(pixels)[:, 0, 0, 0].tolist()
    assert set(first) == {0.0, 2.0}


def test_an_image_folder_without_splits_gets_all_three(tmp_path: Path) -> None:
    module = ImageFolder(picture_folder(tmp_path / "p", per_class=20), size=32)
    assert [len(module.split(name)) for name in ("train", "val", "test")] == [28, 6, 6]
    assert_disjoint(module)
    images, _ = next(iter(module.loader("val")))
    assert images.shape[1:] == (3, 32, 32)


def test_an_image_folder_keeps_the_splits_it_has(tmp_path: Path) -> None:
    picture_folder(tmp_path / "p" / "train", per_class=20)
    (tmp_path / "p" / "val").mkdir()
    for label in ("ants", "bees"):
        (tmp_path / "p" / "val" / label).mkdir()
        Image.new("RGB", (40, 40), "red" if label == "ants" else "blue").save(tmp_path / "p" / "val" / label / "x.png")
    module = ImageFolder(tmp_path / "p", size=32)
    assert len(module.split("val")) == 2
    assert len(module.split("test")) == 6


def test_the_same_file_in_training_and_validation_does_not_leak(tmp_path: Path) -> None:
    picture_folder(tmp_path / "p" / "train", per_class=10)
    shutil.copytree(tmp_path / "p" / "train", tmp_path / "p" / "val")
    for name in ("0.png", "1.png", "2.png", "3.png", "4.png"):
        for label in ("ants", "bees"):
            (tmp_path / "p" / "val" / label / name).unlink()
    assert_disjoint(ImageFolder(tmp_path / "p", size=32))


def test_a_missing_image_folder_is_refused_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"datamodule\.root=FOLDER"):
        ImageFolder(tmp_path / "nowhere")


def test_mnist_without_files_says_where_they_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import MNIST

    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(ValueError, match=r"datamodule\.root=FOLDER"):
        Mnist(tmp_path).split("test")


def write_idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(header + array.tobytes())


def test_mnist_reads_the_original_format_without_a_download(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for prefix, n in (("train", 60), ("t10k", 20)):
        write_idx(raw / f"{prefix}-images-idx3-ubyte", generator.integers(0, 255, (n, 28, 28), dtype=np.uint8))
        write_idx(raw / f"{prefix}-labels-idx1-ubyte", (np.arange(n) % 10).astype(np.uint8))
    module = Mnist(tmp_path)
    assert [len(module.split(name)) for name in ("train", "val", "test")] == [50, 10, 20]


@needs_data
def test_the_real_mnist_unpacks_without_a_download(tmp_path: Path) -> None:
    shutil.copytree(SHARED_DATA / "MNIST", tmp_path / "MNIST", copy_function=shutil.copyfile)
    (tmp_path / "MNIST").chmod(0o755)
    (tmp_path / "MNIST" / "raw").chmod(0o755)
    with gzip.open(tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz") as file:
        first = file.read()[8]
    assert Mnist(tmp_path).split("test").labels[0] == first


@needs_data
def test_the_real_cifar10_splits_without_leaks() -> None:
    module = Cifar10(SHARED_DATA / "cifar10")
    train, val, test = contents(module)
    assert len(module.split("test")) == 10_000
    assert 4_900 <= len(module.split("val")) <= 5_000
    assert not train & val
    assert not (train | val) & test


@needs_data
def test_real_photographs_load() -> None:
    module = ImageFolder(SHARED_DATA / "hymenoptera_data", size=64)
    assert module.classes == ["ants", "bees"]
    assert len(module.split("val")) == 153
    images, labels = next(iter(module.loader("test")))
    assert images.shape[1:] == (3, 64, 64)
    assert set(labels.tolist()) <= {0, 1}


def test_a_sample_is_drawn_over_all_classes_and_is_always_the_same(tmp_path: Path) -> None:
    module = ImageFolder(picture_folder(tmp_path / "p", per_class=60), size=16)
    labels = torch.cat([labels for _, labels in module.sample(20)])
    assert len(labels) == 20
    assert 4 <= int(labels.sum()) <= 16
    assert torch.equal(labels, torch.cat([labels for _, labels in module.sample(20)]))
