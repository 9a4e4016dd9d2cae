"""Labelled images, in memory or in files, and splits of them that share no image."""

import hashlib
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from datamodules.preprocessing import Preprocessing
from profiler.common.door import contents
from profiler.common.errors import BadInputError

Split = Literal["train", "val", "test"]
SPLIT_SEED = 0
LIMIT_BYTES = 256 << 20
LONGEST = 100
REMOVE = "remove it from the pictures, or replace it"
# Decoders of some other formats start programs.
FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


class Images(Dataset[Any]):
    """Labelled images as uint8 tensors, with a hash of each to find duplicates."""

    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @abstractmethod
    def pixels(self, index: Sequence[int]) -> Tensor:
        """uint8 (N, C, H, W)."""

    @abstractmethod
    def content(self) -> list[str]:
        """A hash of each image."""

    @abstractmethod
    def subset(self, index: Sequence[int]) -> "Images":
        """The images of these indices."""

    @abstractmethod
    def joined(self, others: Any) -> "Images":
        """These images, then others of the same kind."""


class TensorImages(Images):
    """Images in memory: uint8 (N, C, H, W) and labels (N)."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels

    def pixels(self, index: Sequence[int]) -> Tensor:
        """uint8 (N, C, H, W)."""
        return self.images[torch.as_tensor(index)]

    def content(self) -> list[str]:
        """The SHA-256 of the pixels of each image."""
        return [hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in self.images]

    def subset(self, index: Sequence[int]) -> "TensorImages":
        """The images of these indices."""
        chosen = torch.as_tensor(index, dtype=torch.long)
        return TensorImages(self.images[chosen], self.labels[chosen])

    def joined(self, others: "TensorImages") -> "TensorImages":
        """These images, then the others."""
        return TensorImages(torch.cat([self.images, others.images]), torch.cat([self.labels, others.labels]))


class FileImages(Images):
    """Images in files, decoded at every access."""

    def __init__(self, files: list[Path], labels: Tensor, preprocessing: Preprocessing) -> None:
        self.files, self.labels, self._preprocessing = files, labels, preprocessing

    def pixels(self, index: Sequence[int]) -> Tensor:
        """uint8 (N, C, H, W)."""
        return torch.stack([self._decode(self.files[i]) for i in index])

    def _decode(self, file: Path) -> Tensor:
        content = contents(file, LIMIT_BYTES, REMOVE)
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            try:
                with Image.open(BytesIO(content), formats=FORMATS) as image:
                    # Resizing the short side of a narrow strip enlarges its long side until it fills the memory.
                    if max(image.size) > LONGEST * min(image.size):
                        raise ValueError(f"one side may be {LONGEST} times the other, and it has {image.size}")
                    return self._preprocessing.pixels(image)
            except Exception as error:
                # Decoders may raise any error.
                reason = " ".join(str(error).split())[:160] or type(error).__name__
                raise BadInputError(f"{file} cannot be decoded ({reason}): {REMOVE}") from error

    def content(self) -> list[str]:
        """The SHA-256 of the file of each image."""
        return [hashlib.sha256(contents(file, LIMIT_BYTES, REMOVE)).hexdigest() for file in self.files]

    def subset(self, index: Sequence[int]) -> "FileImages":
        """The images of these indices."""
        files = [self.files[i] for i in index]
        return FileImages(files, self.labels[torch.as_tensor(index, dtype=torch.long)], self._preprocessing)

    def joined(self, others: "FileImages") -> "FileImages":
        """These images, then the others."""
        return FileImages(self.files + others.files, torch.cat([self.labels, others.labels]), self._preprocessing)


def with_val_from_test(splits: dict[Split, Images]) -> dict[Split, Images]:
    """The splits with the test images in two halves, class by class: one validates, the other one stays for the test.

    The images that validated before join those of train.
    """
    test = splits["test"]
    rest, half = stratified(test.labels, (0.5,))
    return {"train": splits["train"].joined(splits["val"]), "val": test.subset(half), "test": test.subset(rest)}


def without_leaks(splits: dict[Split, Images]) -> dict[Split, Images]:
    """Removes from train the images that val or test contain too, and from val those of test, by content."""
    seen: set[str] = set()
    clean: dict[Split, Images] = {}
    for name in ("test", "val", "train"):
        content = splits[name].content()
        keep = [i for i, digest in enumerate(content) if digest not in seen]
        clean[name] = splits[name].subset(keep)
        seen.update(content)
        if not keep:
            raise ValueError(f"the {name} split is empty: every split needs pictures of its own")
    return clean


def stratified(labels: Tensor, shares: Sequence[float]) -> list[list[int]]:
    """Splits indices class by class by `shares`, whose sum is at most 1; the first part is the rest.

    The result is the same in every call.
    """
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    parts: list[list[int]] = [[] for _ in range(len(shares) + 1)]
    for label in sorted(set(labels.tolist())):
        found = torch.nonzero(labels == label).flatten()
        members = found[torch.randperm(len(found), generator=generator)].tolist()
        start = 0
        for part, share in enumerate(shares, 1):
            size = round(len(members) * share)
            parts[part] += members[start : start + size]
            start += size
        parts[0] += members[start:]
    return [sorted(part) for part in parts]
