"""CIFAR-10 and MNIST through torchvision: its own download code, and no download where the files lie already."""

from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torchvision.datasets import CIFAR10, MNIST

from datamodules.images import Augmentation, ImageDataModule
from datamodules.pictures import Images, TensorImages
from datamodules.preprocessing import Preprocessing
from datamodules.splits import Split, stratified


class Cifar10(ImageDataModule):
    """50,000 training pictures, of which `val_share` validate, and 10,000 test pictures of 3×32×32."""

    def __init__(self, root: Path, batch_size: int = 128, val_share: float = 0.1, shift: int = 4) -> None:
        preprocessing = Preprocessing(
            size=32, colour="RGB", mean=(0.4914, 0.4822, 0.4465), sd=(0.247, 0.2435, 0.2616), resize="none"
        )
        super().__init__(preprocessing, batch_size, Augmentation(shift=shift, flip=True))
        self._root, self._val_share = Path(root), val_share
        self.classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

    def load(self) -> dict[Split, Images]:
        return with_validation(self._part(train=True), self._part(train=False), self._val_share)

    def _part(self, train: bool) -> TensorImages:
        part = fetch(CIFAR10, self._root, train)
        return TensorImages(torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets))


class Mnist(ImageDataModule):
    """60,000 training pictures, of which `val_share` validate, and 10,000 test pictures of 1×28×28."""

    def __init__(self, root: Path, batch_size: int = 128, val_share: float = 0.1, shift: int = 2) -> None:
        preprocessing = Preprocessing(size=28, colour="L", mean=(0.1307,), sd=(0.3081,), resize="none")
        super().__init__(preprocessing, batch_size, Augmentation(shift=shift))
        self._root, self._val_share = Path(root), val_share
        self.classes = [str(digit) for digit in range(10)]

    def load(self) -> dict[Split, Images]:
        return with_validation(self._part(train=True), self._part(train=False), self._val_share)

    def _part(self, train: bool) -> TensorImages:
        part = fetch(MNIST, self._root, train)
        return TensorImages(part.data.unsqueeze(1), part.targets.clone())


def fetch(dataset: Any, root: Path, train: bool) -> Any:
    """The torchvision data set, downloaded only where its checked files are missing."""
    try:
        return dataset(root, train=train, download=True)
    except (URLError, RuntimeError) as error:
        raise ValueError(
            f"{dataset.__name__} is not under {root} and cannot be downloaded ({error}): "
            "put its files there, or name their folder with datamodule.root=FOLDER"
        ) from error


def with_validation(train: TensorImages, test: TensorImages, val_share: float) -> dict[Split, Images]:
    """Holds a share of the training pictures out for validation, class by class."""
    rest, val = stratified(train.labels, (val_share,))
    return {"train": train.subset(rest), "val": train.subset(val), "test": test}
