"""CIFAR-10, CIFAR-100 and MNIST of torchvision, which downloads only missing files."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.error import URLError

import torch
from torch import Tensor
from torchvision.datasets import CIFAR10, CIFAR100, MNIST

from datamodules.images import ImageDataModule, ValFrom
from datamodules.pictures import Images, Split, TensorImages, stratified
from datamodules.preprocessing import Preprocessing
from profiler.common.door import check

# The largest is an archive of 170 MB.
LIMIT_BYTES = 512 << 20


class TorchvisionSet(ImageDataModule):
    """A data set of torchvision, of whose training images `val_share` validate."""

    source: Any
    size: int
    mean: tuple[float, ...]
    sd: tuple[float, ...]

    def __init__(
        self,
        root: Path,
        batch_size: int = 128,
        val_share: float = 0.1,
        augmentation: Mapping[str, Any] | None = None,
        val_from: ValFrom = "train",
    ) -> None:
        colour: Literal["RGB", "L"] = "RGB" if len(self.mean) > 1 else "L"
        preprocessing = Preprocessing(size=self.size, colour=colour, mean=self.mean, sd=self.sd, resize="none")
        super().__init__(preprocessing, batch_size, augmentation, val_from=val_from)
        self._root, self._val_share = Path(root), val_share

    def sources(self) -> list[Path]:
        """The places of the data set's files."""
        return places(self.source, self._root)

    def load(self) -> dict[Split, Images]:
        """The three splits, validation class by class from the training images."""
        parts = [fetch(self.source, self._root, train) for train in (True, False)]
        # MNIST has the classes "0 - zero" and so on.
        self.classes = [name.partition(" - ")[0] for name in parts[0].classes]
        train, test = (TensorImages(images_of(part), torch.as_tensor(part.targets)) for part in parts)
        rest, val = stratified(train.labels, (self._val_share,))
        return {"train": train.subset(rest), "val": train.subset(val), "test": test}


class Cifar10(TorchvisionSet):
    """50,000 training and 10,000 test images of 3×32×32, in 10 classes."""

    source = CIFAR10
    size, mean, sd = 32, (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)


class Cifar100(TorchvisionSet):
    """The same numbers of images as in CIFAR-10, in the 100 fine classes."""

    source = CIFAR100
    size, mean, sd = 32, (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)


class Mnist(TorchvisionSet):
    """60,000 training and 10,000 test images of 1×28×28, in 10 classes."""

    source = MNIST
    size, mean, sd = 28, (0.1307,), (0.3081,)


def images_of(part: Any) -> Tensor:
    """The images of a torchvision data set (N, H, W) or (N, H, W, C) as a tensor (N, C, H, W)."""
    images = torch.as_tensor(part.data)
    return images.unsqueeze(1) if images.ndim == 3 else images.permute(0, 3, 1, 2).contiguous()


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
