"""CIFAR-10, CIFAR-100 and MNIST of torchvision, which downloads only missing files."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torchvision.datasets import CIFAR10, CIFAR100, MNIST

from datamodules.images import ImageDataModule
from datamodules.pictures import Images, TensorImages
from datamodules.preprocessing import Preprocessing
from datamodules.splits import Split, stratified
from profiler.common.door import check

# The largest is an archive of 170 MB.
LIMIT_BYTES = 512 << 20


class Cifar10(ImageDataModule):
    """50,000 training images, of which `val_share` validate, and 10,000 test images of 3×32×32, in 10 classes."""

    source: Any = CIFAR10
    mean, sd = (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)

    def __init__(
        self,
        root: Path,
        batch_size: int = 128,
        val_share: float = 0.1,
        augmentation: Mapping[str, Any] | None = None,
    ) -> None:
        preprocessing = Preprocessing(size=32, colour="RGB", mean=self.mean, sd=self.sd, resize="none")
        super().__init__(preprocessing, batch_size, augmentation)
        self._root, self._val_share = Path(root), val_share

    def sources(self) -> list[Path]:
        """The places of the data set's files."""
        return places(self.source, self._root)

    def load(self) -> dict[Split, Images]:
        """The three splits."""
        parts = [fetch(self.source, self._root, train) for train in (True, False)]
        self.classes = list(parts[0].classes)
        train, test = (
            TensorImages(torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets))
            for part in parts
        )
        return with_validation(train, test, self._val_share)


class Cifar100(Cifar10):
    """The same numbers of images in the 100 fine classes."""

    source = CIFAR100
    mean, sd = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)


class Mnist(ImageDataModule):
    """60,000 training images, of which `val_share` validate, and 10,000 test images of 1×28×28."""

    def __init__(
        self,
        root: Path,
        batch_size: int = 128,
        val_share: float = 0.1,
        augmentation: Mapping[str, Any] | None = None,
    ) -> None:
        preprocessing = Preprocessing(size=28, colour="L", mean=(0.1307,), sd=(0.3081,), resize="none")
        super().__init__(preprocessing, batch_size, augmentation)
        self._root, self._val_share = Path(root), val_share
        self.classes = [str(digit) for digit in range(10)]

    def sources(self) -> list[Path]:
        """The places of the data set's files."""
        return places(MNIST, self._root)

    def load(self) -> dict[Split, Images]:
        """The three splits."""
        parts = [fetch(MNIST, self._root, train) for train in (True, False)]
        train, test = (TensorImages(part.data.unsqueeze(1), part.targets.clone()) for part in parts)
        return with_validation(train, test, self._val_share)


def fetch(dataset: Any, root: Path, train: bool) -> Any:
    """The torchvision data set; raises `ValueError` for damaged files and a failed download."""
    for place in places(dataset, root):
        for file in (place, *place.rglob("*")):
            if not file.is_dir() and os.path.lexists(file):
                check(file, LIMIT_BYTES, "put the published file there")
    try:
        return dataset(root, train=train, download=True)
    except (URLError, RuntimeError) as error:
        raise ValueError(
            f"{dataset.__name__} is not under {root} and cannot be downloaded ({error}): "
            "put its files there, or name their folder with datamodule.root=FOLDER"
        ) from error
    except (AssertionError, LookupError, TypeError, EOFError) as error:
        raise ValueError(f"the files of {dataset.__name__} under {root} are damaged: remove them") from error


def places(dataset: Any, root: Path) -> list[Path]:
    """The files and folders of a data set below a root."""
    own = [getattr(dataset, name) for name in ("base_folder", "filename") if hasattr(dataset, name)]
    return [root / name for name in (dataset.__name__, *own)]


def with_validation(train: TensorImages, test: TensorImages, val_share: float) -> dict[Split, Images]:
    """Holds a share of the training images out for validation, class by class."""
    rest, val = stratified(train.labels, (val_share,))
    return {"train": train.subset(rest), "val": train.subset(val), "test": test}
