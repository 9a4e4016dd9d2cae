"""Images of the user in a folder for each class, with or without a folder for each split above."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torchvision.datasets.folder import IMG_EXTENSIONS

from datamodules.images import ImageDataModule, ValFrom
from datamodules.pictures import FileImages, Images, Split, stratified
from datamodules.preprocessing import Preprocessing

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SD = (0.229, 0.224, 0.225)
SPLITS: tuple[Split, ...] = ("train", "val", "test")


class ImageFolder(ImageDataModule):
    """Reads `root/<class>/*`, or `root/<folder>/<class>/*` where `folders` names an existing folder for the split.

    A split without a folder is drawn from the training images.
    """

    def __init__(
        self,
        root: Path,
        size: int = 64,
        batch_size: int = 32,
        val_share: float = 0.15,
        test_share: float = 0.15,
        folders: Mapping[Split, str] | None = None,
        augmentation: Mapping[str, Any] | None = None,
        num_workers: int = 0,
        val_from: ValFrom = "train",
    ) -> None:
        preprocessing = Preprocessing(size=size, colour="RGB", mean=IMAGENET_MEAN, sd=IMAGENET_SD)
        super().__init__(preprocessing, batch_size, augmentation, num_workers, val_from)
        self._root, self._shares = Path(root), {"val": val_share, "test": test_share}
        self._folders = dict(folders) if folders else {name: name for name in SPLITS}
        if not {"train"} <= self._folders.keys() <= set(SPLITS):
            raise ValueError(f"folders={self._folders} must name that of train and may name those of val and test")
        if not self._root.is_dir():
            raise ValueError(f"{root} is no folder: name the folder of your pictures with datamodule.root=FOLDER")
        self.classes = list(pictures(self._training_folder()))

    def _training_folder(self) -> Path:
        folder = self._root / self._folders["train"]
        return folder if folder.is_dir() else self._root

    def _images(self, folder: Path) -> FileImages:
        found = pictures(folder)
        if list(found) != self.classes:
            raise ValueError(f"{folder} has classes {list(found)} where training has {self.classes}: make them equal")
        labels = [label for label, files in enumerate(found.values()) for _ in files]
        return FileImages(
            [file for files in found.values() for file in files], torch.tensor(labels), self.preprocessing
        )

    def sources(self) -> list[Path]:
        """The folder of all pictures."""
        return [self._root]

    def load(self) -> dict[Split, Images]:
        """The three splits; raises `ValueError` for folders with different classes."""
        training = self._training_folder()
        given: dict[Split, Images] = {"train": self._images(training)}
        if training != self._root:
            others = {name: self._root / folder for name, folder in self._folders.items() if name != "train"}
            given |= {name: self._images(folder) for name, folder in others.items() if folder.is_dir()}
        missing = [name for name in SPLITS if name not in given]
        parts = stratified(given["train"].labels, [self._shares[name] for name in missing])
        whole = given["train"]
        return given | {name: whole.subset(part) for name, part in zip(["train", *missing], parts, strict=True)}


def pictures(folder: Path) -> dict[str, list[Path]]:
    """The files of each class, sorted by name; raises `ValueError` for a class without files.

    Links to folders are not followed below the folder of a class, as they may form a cycle.
    """
    found = {place.name: pictures_below(place) for place in sorted(folder.iterdir()) if place.is_dir()}
    empty = [name for name, files in found.items() if not files]
    if empty or not found:
        without = f"none in {', '.join(empty)}" if empty else "there is no folder"
        raise ValueError(f"{folder} holds no folder of pictures for each class: {without}")
    return found


def pictures_below(folder: Path) -> list[Path]:
    """The images in a folder and its subfolders."""
    places = sorted(os.walk(folder))
    return [
        Path(place, name)
        for place, _, names in places
        for name in sorted(names)
        if name.lower().endswith(IMG_EXTENSIONS)
    ]
