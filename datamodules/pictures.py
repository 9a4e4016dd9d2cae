"""Labelled pictures, in memory or in files."""

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from datamodules.preprocessing import Preprocessing


class Images(Dataset[Any]):
    """Labelled pictures, as uint8 tensors; `content` gives each one's bytes' hash, to find duplicates by."""

    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @abstractmethod
    def pixels(self, index: Sequence[int]) -> Tensor:
        """uint8 (N, C, H, W)."""

    @abstractmethod
    def content(self) -> list[str]:
        """A hash of each picture."""

    @abstractmethod
    def subset(self, index: Sequence[int]) -> "Images":
        """Some of them."""


class TensorImages(Images):
    """Pictures in memory: uint8 (N, C, H, W) and labels (N)."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels

    def pixels(self, index: Sequence[int]) -> Tensor:
        return self.images[torch.as_tensor(index)]

    def content(self) -> list[str]:
        return [hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in self.images]

    def subset(self, index: Sequence[int]) -> "TensorImages":
        chosen = torch.as_tensor(index, dtype=torch.long)
        return TensorImages(self.images[chosen], self.labels[chosen])


class FileImages(Images):
    """Pictures in files, decoded when they are asked for."""

    def __init__(self, files: list[Path], labels: Tensor, preprocessing: Preprocessing) -> None:
        self.files, self.labels, self._preprocessing = files, labels, preprocessing

    def pixels(self, index: Sequence[int]) -> Tensor:
        return torch.stack([self._decode(self.files[i]) for i in index])

    def _decode(self, file: Path) -> Tensor:
        with Image.open(file) as image:
            return self._preprocessing.pixels(image)

    def content(self) -> list[str]:
        return [hashlib.sha256(file.read_bytes()).hexdigest() for file in self.files]

    def subset(self, index: Sequence[int]) -> "FileImages":
        files = [self.files[i] for i in index]
        return FileImages(files, self.labels[torch.as_tensor(index, dtype=torch.long)], self._preprocessing)
