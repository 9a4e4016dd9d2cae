"""Labelled pictures, in memory or in files."""

import hashlib
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from datamodules.preprocessing import Preprocessing
from profiler.common.door import contents
from profiler.common.errors import BadInputError

LIMIT_BYTES = 256 << 20
LONGEST = 100
REMOVE = "remove it from the pictures, or replace it"
# Of others, some start programs.
FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


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
        content = contents(file, LIMIT_BYTES, REMOVE)
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            try:
                with Image.open(BytesIO(content), formats=FORMATS) as image:
                    check_sides(*image.size)
                    return self._preprocessing.pixels(image)
            except Exception as error:
                # Decoders fail with whatever they meet first.
                reason = " ".join(str(error).split())[:160] or type(error).__name__
                raise BadInputError(f"{file} cannot be decoded ({reason}): {REMOVE}") from error

    def content(self) -> list[str]:
        return [hashlib.sha256(contents(file, LIMIT_BYTES, REMOVE)).hexdigest() for file in self.files]

    def subset(self, index: Sequence[int]) -> "FileImages":
        files = [self.files[i] for i in index]
        return FileImages(files, self.labels[torch.as_tensor(index, dtype=torch.long)], self._preprocessing)


def check_sides(width: int, height: int) -> None:
    """Raises `ValueError` for a strip: with a short side of some hundred pixels its long one would fill the memory."""
    if max(width, height) > LONGEST * min(width, height):
        raise ValueError(f"it is {width}×{height}, and one side may be {LONGEST} times the other")
