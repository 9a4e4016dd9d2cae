"""Anyone's own pictures: one folder a class, with or without split folders above them."""

from pathlib import Path

import torch
from torchvision.datasets import ImageFolder as TorchvisionFolder

from datamodules.images import Augmentation, ImageDataModule
from datamodules.pictures import FileImages, Images
from datamodules.preprocessing import Preprocessing
from datamodules.splits import Split, stratified

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SD = (0.229, 0.224, 0.225)
SPLITS: tuple[Split, ...] = ("train", "val", "test")


class ImageFolder(ImageDataModule):
    """Reads `root/<class>/*` or `root/{train,val,test}/<class>/*`; a missing split is held out of the training one."""

    def __init__(
        self,
        root: Path,
        size: int = 64,
        batch_size: int = 32,
        val_share: float = 0.15,
        test_share: float = 0.15,
        shift: int = 4,
        flip: bool = True,
        num_workers: int = 0,
    ) -> None:
        preprocessing = Preprocessing(size=size, colour="RGB", mean=IMAGENET_MEAN, sd=IMAGENET_SD)
        super().__init__(preprocessing, batch_size, Augmentation(shift=shift, flip=flip), num_workers)
        self._root, self._shares = Path(root), {"val": val_share, "test": test_share}
        if not self._root.is_dir():
            raise ValueError(f"{root} is no folder: name the folder of your pictures with datamodule.root=FOLDER")
        self.classes = self._read(self._training_folder()).classes

    def _training_folder(self) -> Path:
        return self._root / "train" if (self._root / "train").is_dir() else self._root

    def _read(self, folder: Path) -> TorchvisionFolder:
        try:
            return TorchvisionFolder(folder)
        except FileNotFoundError as error:
            raise ValueError(f"{folder} holds no folder of pictures for each class: {error}") from error

    def _images(self, folder: Path) -> FileImages:
        found = self._read(folder)
        if found.classes != self.classes:
            raise ValueError(f"{folder} has classes {found.classes} where training has {self.classes}: make them equal")
        files = [Path(file) for file, _ in found.samples]
        return FileImages(files, torch.tensor(found.targets), self.preprocessing)

    def load(self) -> dict[Split, Images]:
        training = self._training_folder()
        given: dict[Split, Images] = {"train": self._images(training)}
        if training != self._root:
            given |= {name: self._images(self._root / name) for name in SPLITS[1:] if (self._root / name).is_dir()}
        missing = [name for name in SPLITS if name not in given]
        parts = stratified(given["train"].labels, [self._shares[name] for name in missing])
        whole = given["train"]
        return given | {name: whole.subset(part) for name, part in zip(["train", *missing], parts, strict=True)}
