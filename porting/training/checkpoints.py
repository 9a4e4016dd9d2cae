"""The checkpoints of a training: one file for each epoch, named by the epoch and a digest over content and training.

A checkpoint holds the whole state and the best weights so far. The two newest are kept, so that damage to one costs
only the epochs since the other.
"""

import hashlib
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import nn

from porting.common.console import say
from profiler.common.door import opened
from profiler.common.errors import BadInputError
from profiler.common.files import json_digest, write_atomically
from profiler.common.folders import remove

NAME = re.compile(r"(\d{6})-([0-9a-f]{64})\.ckpt")
FIX = "remove it, and the training goes on from an earlier epoch"


@dataclass(frozen=True, order=True)
class StoredCheckpoint:
    """A checkpoint file, with its epoch counted from 0."""

    epoch: int
    digest: str
    path: Path


def stored_checkpoints(folder: Path) -> list[StoredCheckpoint]:
    """The files with the name of a checkpoint, the newest first."""
    found = ((NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((StoredCheckpoint(int(match[1]), match[2], path) for match, path in found if match), reverse=True)


def identity(name: str, model: nn.Module) -> str:
    """The identity of a training: its name, which contains its key, and the shape of its network.

    The shape may differ for one key, as widths may depend on measured times.
    """
    return f"{name} {json_digest([[key, list(value.shape)] for key, value in model.state_dict().items()])}"


def digest(file: BinaryIO, training: str, epoch: int) -> str:
    """The hex digest of a training, an epoch and the content of its file."""
    start = hashlib.sha256(f"{training} {epoch}\n".encode())
    return hashlib.file_digest(file, lambda: start).hexdigest()  # type: ignore[arg-type]


def whole(one: StoredCheckpoint, training: str) -> bool:
    """Whether the file is unchanged, and belongs to this training and epoch."""
    try:
        with opened(one.path, FIX, links=False) as file:
            return digest(file, training, one.epoch) == one.digest
    except (BadInputError, OSError):
        return False


def newest(folder: Path, training: str) -> Path | None:
    """The newest whole checkpoint; removes damaged newer ones, and prints a line for each damaged or lost one."""
    found = stored_checkpoints(folder)
    good = next((one for one in found if whole(one, training)), None)
    damaged = [one.path for one in found if good is None or one > good]
    after = "begins anew" if good is None else f"goes on after epoch {good.epoch}"
    for path in damaged:
        remove(path)
        say(f"{path} is damaged or belongs to another training, and this training {after}")
    if not damaged and good is not None and good.epoch > 0 and len(found) == 1:
        say(f"{folder} has lost one of its two checkpoints; the training {after}")
    return None if good is None else good.path


def read(path: Path, training: str) -> dict[str, Any]:
    """The content of a checkpoint, read without unpickling; raises `BadInputError` for a changed file."""
    match = NAME.fullmatch(path.name)
    with opened(path, FIX, links=False) as file:
        if match is None or digest(file, training, int(match[1])) != match[2]:
            raise BadInputError(f"{path} is damaged or belongs to another training: {FIX}")
        file.seek(0)
        content: dict[str, Any] = torch.load(file, weights_only=True, map_location="cpu")
    return content


class DigestedFiles(TorchCheckpointIO):
    """Lightning's reader and writer of checkpoints, where the path to write is a folder and an epoch.

    Files of other names are those that processes of Lightning exchange.
    """

    def __init__(self, training: str) -> None:
        self._training = training
        self._before: Path | None = None

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Writes this checkpoint, and removes all but the previous one."""
        place = Path(path)
        if not place.name.isdecimal():
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        buffer = BytesIO()
        torch.save(checkpoint, buffer)
        written = place.with_name(f"{place.name}-{digest(buffer, self._training, int(place.name))}.ckpt")
        write_atomically(written, buffer.getvalue())
        for one in stored_checkpoints(place.parent):
            if one.path not in (written, self._before):
                remove(one.path)
        self._before = written

    def load_checkpoint(self, path: Any, *options: Any, **named: Any) -> dict[str, Any]:
        """The content of a checkpoint after the check of its digest."""
        if not NAME.fullmatch(Path(path).name):
            return super().load_checkpoint(path, *options, **named)
        self._before = Path(path)
        return read(self._before, self._training)


class Checkpoints(Checkpoint):
    """Writes a checkpoint with the best weights after every epoch, as the last of the callbacks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._best: dict[str, Any] | None = None

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Writes the checkpoint of the epoch."""
        trainer.save_checkpoint(self._folder / f"{trainer.current_epoch:06d}")

    def on_save_checkpoint(self, trainer: Trainer, pl_module: Any, checkpoint: dict[str, Any]) -> None:  # noqa: ARG002
        """Adds the best weights: the validated ones, which the moving average has put into the checkpoint."""
        loss = float(trainer.callback_metrics["val_loss"])
        if self._best is None or loss < self._best["loss"]:
            weights = {name: tensor.detach().cpu().clone() for name, tensor in checkpoint["state_dict"].items()}
            self._best = {"loss": loss, "weights": weights}
        checkpoint["best"] = self._best

    def on_load_checkpoint(self, trainer: Trainer, pl_module: Any, checkpoint: dict[str, Any]) -> None:  # noqa: ARG002
        """Takes the best weights so far from the checkpoint."""
        self._best = checkpoint["best"]
