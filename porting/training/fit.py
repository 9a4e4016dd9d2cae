"""Fitting a network with Lightning: early stopping, the best checkpoint, going on after an interruption."""

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch import nn

from porting.context import Context
from porting.data import Data
from porting.records import Epoch
from porting.settings import FitSettings
from porting.training.average import MovingAverage
from porting.training.classifier import Classifier
from porting.training.memory import LIGHTNING, Chosen, chosen_precision
from porting.training.teacher import Teacher
from porting.training.watch import Watch

BETTER = 1e-4
BEST, LAST = "best.ckpt", "last.ckpt"
EXPECTED = (
    # The images lie in memory, so Lightning's advice to decode them in more processes does not apply.
    ".*does not have many workers.*",
    ".*isinstance.treespec, LeafSpec.*",
    # What a resumed training keeps its checkpoints in.
    ".*Checkpoint directory .* exists and is not empty.*",
)


def fit_or_be_interrupted(trainer: Trainer, classifier: Classifier, data: Data, last: Path | None) -> None:
    """Fits; passes Ctrl-C on, which Lightning answers by ignoring all further ones and leaving with code 1."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(classifier, data.module, ckpt_path=last, weights_only=True)
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
    """Trains `model` in place to its best epoch by validation loss; raises `DnnPortingError` for a NaN loss.

    An interrupted training of the same name goes on after its last whole epoch.
    """
    for name_of_logger in ("lightning.pytorch", "pytorch_lightning"):
        # Whichever of the two was imported last logs for both.
        logging.getLogger(name_of_logger).setLevel(logging.WARNING)
    precision = chosen_precision(settings.precision)
    example, _ = next(data.batches("val"))
    taught = nullcontext() if teacher is None else teacher.teaching(model, example[:2])
    progress = context.progress(name, settings.epochs)
    with (
        context.workspace.training(context.settings.task, name) as folder,
        deterministic_meanwhile(),
        progress as advance,
        taught,
    ):
        classifier = Classifier(model, len(data.labels), settings, teacher).train()
        watch = Watch(lambda epoch: context.on_epoch(name, epoch), advance)
        last = folder / LAST
        with warnings.catch_warnings():
            for message in EXPECTED:
                warnings.filterwarnings("ignore", message=message)
            trainer = trainer_for(settings, precision, folder, watch)
            fit_or_be_interrupted(trainer, classifier, data, last if last.exists() else None)
        watch.catch_up(torch.load(last, weights_only=True, map_location="cpu")["callbacks"][watch.state_key])
        checkpoint = torch.load(folder / BEST, weights_only=True, map_location="cpu")
    classifier.load_state_dict(checkpoint["state_dict"])
    return model.cpu().to(memory_format=torch.contiguous_format).eval(), watch.history


def devices(gpus: int) -> dict[str, Any]:
    """Every GPU, each with a batch of its own; else the processor.

    Several take a forked process each: Lightning's usual way would start this very command again, beside itself.
    """
    if gpus < 2:
        return {"accelerator": "gpu" if gpus else "cpu", "devices": 1}
    return {"accelerator": "gpu", "devices": gpus, "strategy": "ddp_notebook", "sync_batchnorm": True}


def trainer_for(settings: FitSettings, precision: Chosen, folder: Path, watch: Watch) -> Trainer:
    """Keeps the best epoch and the last one in `folder`.

    The last has a callback of its own, after the best's: with `save_last` Lightning writes it only after epochs that
    were the best so far.
    """
    kept: dict[str, Any] = {"enable_version_counter": False, "save_on_train_epoch_end": True}
    best = ModelCheckpoint(folder, filename=Path(BEST).stem, monitor="val_loss", mode="min", **kept)
    last = ModelCheckpoint(folder, filename=Path(LAST).stem, **kept)
    stop = EarlyStopping(
        "val_loss", mode="min", patience=settings.patience, min_delta=BETTER, check_on_train_epoch_end=True
    )
    average = [MovingAverage(settings.ema_decay)] if settings.ema_decay else []
    return Trainer(
        max_epochs=settings.epochs,
        callbacks=[watch, stop, *average, best, last],
        precision=LIGHTNING[precision],
        logger=False,
        **devices(torch.cuda.device_count()),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        deterministic=True,
        default_root_dir=folder,
    )
