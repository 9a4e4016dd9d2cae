"""The base class of the data modules: three disjoint splits, one preprocessing, one digest."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Literal, get_args

import torch
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from datamodules.pictures import SPLIT_SEED, Images, Split, with_val_from_test, without_leaks
from datamodules.preprocessing import Augmentation, Preprocessing

ValFrom = Literal["train", "test"]


class Prepared(Dataset[Any]):
    """A split as inputs of the network: float32 (N, C, H, W) and labels (N), a whole batch at a time."""

    def __init__(self, images: Images, preprocessing: Preprocessing, augmentation: Augmentation) -> None:
        self._images, self._preprocessing, self._augmentation = images, preprocessing, augmentation

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        images, labels = self.__getitems__([index])
        return images[0], labels[0]

    def __getitems__(self, index: list[int]) -> tuple[Tensor, Tensor]:
        pixels = self._augmentation(self._images.pixels(index))
        return self._preprocessing.normalise(pixels), self._images.labels[torch.as_tensor(index)]


class Shuffled(Sampler[int]):
    """Every index once, in an order that depends on torch's seed alone and not on earlier draws.

    A training with a seed for each epoch can therefore resume at any epoch.
    """

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(torch.initial_seed())
        yield from torch.randperm(self._size, generator=generator).tolist()


class ImageDataModule(LightningDataModule):
    """A data set of labelled images; a subclass sets `classes` and loads the splits.

    `classes` are the labels in the order of the network's outputs. `preprocessing` is published with every variant.
    `augmentation` has the fields of `Augmentation`. With `val_from` "test" one half of the test images validates, and
    train is whole: a network that was trained elsewhere may have seen any training image.
    """

    classes: list[str]

    def __init__(
        self,
        preprocessing: Preprocessing,
        batch_size: int,
        augmentation: Mapping[str, Any] | None,
        num_workers: int = 0,
        val_from: ValFrom = "train",
    ) -> None:
        super().__init__()
        if val_from not in get_args(ValFrom):
            raise ValueError(f"val_from={val_from!r} is unknown: choices are {', '.join(get_args(ValFrom))}")
        self.preprocessing, self.batch_size = preprocessing, batch_size
        self._augmentation, self._num_workers = Augmentation(**(augmentation or {})), num_workers
        self._val_from, self._splits = val_from, dict[Split, Images]()

    @abstractmethod
    def load(self) -> dict[Split, Images]:
        """The three splits, from disk or from a download, as they are with `val_from` "train"."""

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002
        """Loads the splits once, and removes duplicates between them."""
        if not self._splits:
            loaded = self.load()
            self._splits = without_leaks(with_val_from_test(loaded) if self._val_from == "test" else loaded)

    def split(self, name: Split) -> Images:
        """The images of a split, before normalisation."""
        self.setup()
        return self._splits[name]

    def digest(self) -> str:
        """A hash of all images, labels, splits, classes and preprocessing values, on which results depend."""
        parts = [repr(self.classes), repr(sorted(asdict(self.preprocessing).items())), f"val_from {self._val_from}"]
        for name in ("train", "val", "test"):
            images = self.split(name)
            parts += [name, *images.content(), repr(images.labels.tolist())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def loader(self, name: Split, training: bool = False) -> DataLoader[Any]:
        """Batches of a split; with `training` they are shuffled, augmented and all of full size."""
        augmentation = self._augmentation if training else Augmentation()
        return self._batches(self.split(name), augmentation, training)

    def sample(self, count: int) -> DataLoader[Any]:
        """Batches of `count` training images, always the same random ones, without augmentation."""
        images = self.split("train")
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(SPLIT_SEED))
        return self._batches(images.subset(order[:count].tolist()), Augmentation(), training=False)

    def _batches(self, images: Images, augmentation: Augmentation, training: bool) -> DataLoader[Any]:
        return DataLoader(
            Prepared(images, self.preprocessing, augmentation),
            batch_size=self.batch_size,
            sampler=Shuffled(len(images)) if training else None,
            drop_last=training and len(images) >= self.batch_size,
            num_workers=self._num_workers,
            collate_fn=whole_batch,
        )

    def train_dataloader(self) -> DataLoader[Any]:
        """The training batches."""
        return self.loader("train", training=True)

    def val_dataloader(self) -> DataLoader[Any]:
        """The validation batches."""
        return self.loader("val")

    def test_dataloader(self) -> DataLoader[Any]:
        """The test batches."""
        return self.loader("test")


def whole_batch(batch: Any) -> Any:
    """The batch unchanged, as `Prepared` has already joined images and labels."""
    return batch
