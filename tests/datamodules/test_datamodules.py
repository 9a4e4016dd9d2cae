"""Data modules: splits that do not leak, digests that follow the content, files in the original formats."""

import gzip
import hashlib
import itertools
import pickle
import shutil
import struct
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import yaml
from narrowing import of
from PIL import Image
from support import ROOT, SHARED_DATA

from datamodules.digits import Digits
from datamodules.image_folder import ImageFolder
from datamodules.images import ImageDataModule, ValFrom
from datamodules.pictures import Split, TensorImages, stratified, without_leaks
from datamodules.preprocessing import Augmentation
from datamodules.torchvision_sets import Cifar10, Cifar100, Mnist


def contents(module: ImageDataModule) -> list[set[str]]:
    return [set(module.split(name).content()) for name in ("train", "val", "test")]


def assert_disjoint(module: ImageDataModule) -> None:
    for a, b in itertools.combinations(contents(module), 2):
        assert not a & b


def picture_folder(root: Path, per_class: int = 8, seed: int = 0) -> Path:
    generator = np.random.default_rng(seed)
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
    module = Digits(augmentation={"shift": 2})
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
    assert of(clean["test"], TensorImages).images.flatten().tolist() == [2, 3]
    assert of(clean["val"], TensorImages).images.flatten().tolist() == [0, 1]
    assert of(clean["train"], TensorImages).images.flatten().tolist() == [4, 5, 6, 7, 8, 9, 10, 11]


def test_val_from_test_validates_with_half_of_the_test_pictures_and_leaves_train_whole() -> None:
    (train, val, test), (whole, chooses, reports) = contents(Digits()), contents(Digits(val_from="test"))
    assert whole == train | val
    assert chooses | reports == test
    assert not chooses & reports
    assert abs(len(chooses) - len(reports)) <= 10
    assert_disjoint(Digits(val_from="test"))


def test_the_halves_of_the_test_pictures_are_the_same_in_every_run_and_hold_every_class() -> None:
    first, second = (Digits(val_from="test").split("val") for _ in range(2))
    assert first.content() == second.content()
    assert torch.bincount(first.labels).min() >= 17


def test_the_digest_follows_where_the_validation_pictures_come_from() -> None:
    assert Digits().digest() != Digits(val_from="test").digest()


def test_an_unknown_origin_of_the_validation_pictures_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="val_from='half' is unknown: choices are train, test"):
        Digits(val_from=cast("ValFrom", "half"))


def test_val_from_test_takes_pictures_in_files_too(tmp_path: Path) -> None:
    for seed, split in enumerate(("train", "test")):
        picture_folder(tmp_path / split, seed=seed)
    folders: dict[Split, str] = {"train": "train", "test": "test"}
    shared, plain = ImageFolder(tmp_path, folders=folders, val_from="test"), ImageFolder(tmp_path, folders=folders)
    assert len(shared.split("train")) == len(plain.split("train")) + len(plain.split("val"))
    assert len(shared.split("val")) == len(shared.split("test")) == len(plain.split("test")) / 2
    assert shared.split("train").pixels([0, -1]).shape == (2, 3, 64, 64)


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
    pixels = torch.zeros(4, channels, 9, 9, dtype=torch.uint8)
    assert Augmentation(zoom=0.5, shift=2, flip=True, cutout=3)(pixels).stride() == pixels.stride()


def test_shift_moves_each_picture_by_its_own_amount() -> None:
    torch.manual_seed(0)
    pixels = torch.zeros(64, 1, 9, 9)
    pixels[:, :, 4, 4] = 1
    moved = Augmentation(shift=2)(pixels)
    places = {tuple(torch.nonzero(picture[0])[0].tolist()) for picture in moved}
    assert moved.sum() == 64
    assert len(places) > 10


def test_flip_mirrors_some_pictures_and_not_others() -> None:
    torch.manual_seed(0)
    pixels = torch.arange(3.0).view(1, 1, 1, 3).repeat(32, 1, 1, 1)
    first = Augmentation(flip=True)(pixels)[:, 0, 0, 0].tolist()
    assert set(first) == {0.0, 2.0}


def test_cutout_blanks_a_square_of_each_picture_or_what_is_left_of_it_at_an_edge() -> None:
    torch.manual_seed(0)
    blanked = (Augmentation(cutout=4)(torch.ones(256, 2, 12, 12, dtype=torch.uint8)) == 0).sum(dim=(2, 3))
    assert torch.equal(blanked[:, 0], blanked[:, 1])
    assert {4, 8, 12, 16} <= set(blanked[:, 0].tolist())
    assert int(blanked.max()) == 16


def test_zoom_enlarges_a_cut_out_that_lies_within_the_picture() -> None:
    torch.manual_seed(0)
    # The brightness tells the column, so that its slope tells the enlargement.
    columns = torch.arange(0, 128, 2, dtype=torch.uint8).expand(128, 1, 64, 64)
    found = Augmentation(zoom=0.5)(columns).float()
    spans = (found[..., -1] - found[..., 0]).mean(dim=(1, 2)) / 126
    assert 0.48 < float(spans.min()) < 0.55
    assert 0.95 < float(spans.max()) <= 1
    assert float(found.min()) >= 0
    assert float(found.max()) <= 126


@pytest.mark.parametrize("values", [{"zoom": 0.0}, {"zoom": 1.5}, {"shift": -1}, {"cutout": -2}])
def test_an_augmentation_that_cannot_be_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"zoom is a share in \(0, 1\]"):
        Augmentation(**values)


def test_the_order_of_an_epoch_follows_from_the_seed_alone(tmp_path: Path) -> None:
    module = ImageFolder(picture_folder(tmp_path / "p", per_class=60), size=16, augmentation=None)

    def first() -> torch.Tensor:
        images: torch.Tensor = next(iter(module.loader("train", training=True)))[0]
        return images

    torch.manual_seed(5)
    torch.rand(3)
    one = first()
    torch.manual_seed(5)
    assert torch.equal(first(), one)
    torch.manual_seed(6)
    assert not torch.equal(first(), one)


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


def write_cifar100(root: Path, n: int = 200) -> None:
    """The pickled batches of the original archive, with digests as torchvision expects them."""
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name, size in (("train", n), ("test", n // 2)):
        pixels = generator.integers(0, 255, (size, 3072), dtype=np.uint8)
        labels = [index % 100 for index in range(size)]
        (folder / name).write_bytes(pickle.dumps({"data": pixels, "fine_labels": labels, "coarse_labels": labels}))
    names = {"fine_label_names": [f"class {index}" for index in range(100)]}
    (folder / "meta").write_bytes(pickle.dumps(names))


def test_cifar100_reads_the_original_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR100

    write_cifar100(tmp_path)

    def digest(name: str) -> str:
        return hashlib.md5((tmp_path / "cifar-100-python" / name).read_bytes(), usedforsecurity=False).hexdigest()

    monkeypatch.setattr(CIFAR100, "train_list", [["train", digest("train")]])
    monkeypatch.setattr(CIFAR100, "test_list", [["test", digest("test")]])
    monkeypatch.setattr(CIFAR100, "meta", dict(CIFAR100.meta, md5=digest("meta")))
    module = Cifar100(tmp_path, val_share=0.5)
    assert [len(module.split(name)) for name in ("train", "val", "test")] == [100, 100, 100]
    assert module.classes[99] == "class 99"
    assert of(module.split("train"), TensorImages).images.shape == (100, 3, 32, 32)


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


@pytest.mark.data("MNIST")
def test_the_real_mnist_unpacks_without_a_download(tmp_path: Path) -> None:
    shutil.copytree(SHARED_DATA / "MNIST", tmp_path / "MNIST", copy_function=shutil.copyfile)
    (tmp_path / "MNIST").chmod(0o755)
    (tmp_path / "MNIST" / "raw").chmod(0o755)
    with gzip.open(tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz") as file:
        first = file.read()[8]
    assert Mnist(tmp_path).split("test").labels[0] == first


@pytest.mark.data("cifar10")
def test_the_real_cifar10_splits_without_leaks() -> None:
    module = Cifar10(SHARED_DATA / "cifar10")
    train, val, test = contents(module)
    assert len(module.split("test")) == 10_000
    assert 4_900 <= len(module.split("val")) <= 5_000
    assert not train & val
    assert not (train | val) & test


@pytest.mark.data("hymenoptera_data")
def test_real_photographs_load() -> None:
    values = yaml.safe_load((ROOT / "conf" / "datamodule" / "bee_ants.yaml").read_text())
    arguments = {name: values[name] for name in ("size", "batch_size", "folders", "augmentation")}
    module = ImageFolder(SHARED_DATA / "hymenoptera_data", **arguments)
    assert module.classes == ["ants", "bees"]
    assert len(module.split("test")) == 153
    assert 200 < len(module.split("train")) < 244
    images, labels = next(iter(module.loader("train", training=True)))
    assert images.shape == (32, 3, 128, 128)
    assert set(labels.tolist()) == {0, 1}


def test_a_sample_is_drawn_over_all_classes_and_is_always_the_same(tmp_path: Path) -> None:
    module = ImageFolder(picture_folder(tmp_path / "p", per_class=60), size=16)
    labels = torch.cat([labels for _, labels in module.sample(20)])
    assert len(labels) == 20
    assert 4 <= int(labels.sum()) <= 16
    assert torch.equal(labels, torch.cat([labels for _, labels in module.sample(20)]))
