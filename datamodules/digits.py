"""scikit-learn's digits: 1,797 real handwritten digits of 8×8 pixels, the embedded default (no download)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch.nn.functional import interpolate

from datamodules.images import ImageDataModule, ValFrom
from datamodules.pictures import Images, Split, TensorImages, stratified
from datamodules.preprocessing import Preprocessing

SIZE = 32
MAXIMUM = 16
SHARES = (0.2, 0.2)


class Digits(ImageDataModule):
    """The digits as 1×32×32; of each class 60 % train, 20 % validate and 20 % test."""

    def __init__(
        self, batch_size: int = 64, augmentation: Mapping[str, Any] | None = None, val_from: ValFrom = "train"
    ) -> None:
        preprocessing = Preprocessing(size=SIZE, colour="L", mean=(0.305,), sd=(0.376,))
        super().__init__(preprocessing, batch_size, augmentation, val_from=val_from)
        self.classes = [str(digit) for digit in range(10)]

    def sources(self) -> list[Path]:
        """The file of the pictures inside scikit-learn."""
        return [Path(datasets.__file__).parent / "data" / "digits.csv.gz"]

    def load(self) -> dict[Split, Images]:
        """The three splits."""
        loaded = datasets.load_digits()
        pixels = torch.from_numpy(loaded.images.astype(np.float32) / MAXIMUM * 255).unsqueeze(1)
        images = interpolate(pixels, size=(SIZE, SIZE), mode="bilinear").round().to(torch.uint8)
        every = TensorImages(images, torch.from_numpy(loaded.target.astype(np.int64)))
        train, val, test = (every.subset(index) for index in stratified(every.labels, SHARES))
        return {"train": train, "val": val, "test": test}
