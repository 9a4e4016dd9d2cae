"""Fitting a network with Lightning: early stopping, the best checkpoint, progress with the time left."""

import logging
import math
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning import Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch import nn

from porting.console import Advance
from porting.context import Context
from porting.data import Data
from porting.records import Epoch
from porting.settings import FitSettings
from porting.training.classifier import Classifier, Teacher
from profiler.errors import DnnPortingError

BETTER = 1e-4


class Watch(Callback):
    """Keeps each epoch's figures, passes them on, and moves the progress bar."""

    def __init__(self, on_epoch: Callable[[Epoch], None], advance: Advance) -> None:
        self.history: list[Epoch] = []
        self._on_epoch, self._advance = on_epoch, advance

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        losses = pl_module.train_losses
        val_loss = float(trainer.callback_metrics["val_loss"])
        if not math.isfinite(val_loss):
            raise DnnPortingError(f"the validation loss became {val_loss}: lower the learning rate")
        epoch = Epoch(
            epoch=trainer.current_epoch,
            train_loss=sum(losses) / len(losses),
            val_loss=val_loss,
            val_accuracy=float(trainer.callback_metrics["val_accuracy"]),
        )
        losses.clear()
        self.history.append(epoch)
        self._on_epoch(epoch)
        self._advance(f"validation accuracy {epoch.val_accuracy:.4f}")


def fit_or_be_interrupted(trainer: Trainer, classifier: Classifier, data: Data) -> None:
    """Fits; passes Ctrl-C on, which Lightning answers by ignoring all further ones and leaving with code 1."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(classifier, data.module)
    except SystemExit as leaving:
        raise KeyboardInterrupt from leaving
    finally:
        signal.signal(signal.SIGINT, handler)


@contextmanager
def deterministic_meanwhile() -> Iterator[None]:
    """Leaves torch as it was: Lightning would make all that is exported and measured later deterministic too."""
    before = torch.are_deterministic_algorithms_enabled()
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def fit(
    context: Context, model: nn.Module, name: str, data: Data, settings: FitSettings, teacher: Teacher | None
) -> tuple[nn.Module, list[Epoch]]:
    """Trains `model` in place to its best epoch by validation loss; raises `DnnPortingError` for a NaN loss."""
    for name_of_logger in ("lightning.pytorch", "pytorch_lightning"):
        # Whichever of the two was imported last logs for both.
        logging.getLogger(name_of_logger).setLevel(logging.WARNING)
    classifier = Classifier(model, len(data.labels), settings, teacher).train()
    progress = context.progress(name, settings.epochs)
    with deterministic_meanwhile(), tempfile.TemporaryDirectory() as folder, progress as advance:
        watch = Watch(lambda epoch: context.on_epoch(name, epoch), advance)
        best = ModelCheckpoint(folder, monitor="val_loss", mode="min", save_top_k=1, save_weights_only=True)
        stop = EarlyStopping("val_loss", mode="min", patience=settings.patience, min_delta=BETTER)
        trainer = Trainer(
            max_epochs=settings.epochs,
            callbacks=[watch, best, stop],
            logger=False,
            # Several devices would start this very command again, beside itself.
            devices=1,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            deterministic=True,
            default_root_dir=folder,
        )
        with warnings.catch_warnings():
            # The images lie in memory, so Lightning's advice to decode them in more processes does not apply.
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
            fit_or_be_interrupted(trainer, classifier, data)
        checkpoint = torch.load(best.best_model_path, weights_only=True, map_location="cpu")
    classifier.load_state_dict(checkpoint["state_dict"])
    return model.cpu().eval(), watch.history
