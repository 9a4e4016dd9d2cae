"""The training of a network with Lightning, which resumes after an interruption, and its use after a cut."""

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer
from torch import nn

from porting.common.console import progress
from porting.configuration.settings import FinetuneSettings, FitSettings
from porting.jobs.context import Context
from porting.training.batch_norm import BATCH_NORM_IMAGES, reestimate_statistics
from porting.training.callbacks import MovingAverage, Stop, Watch
from porting.training.checkpoints import Checkpoints, DigestedFiles, identity, newest, read, stored_checkpoints
from porting.training.classifier import Classifier
from porting.training.precision import LIGHTNING, Chosen, chosen_precision
from porting.training.streams import seeded
from porting.training.teacher import Teacher
from porting.workspace.data import Data
from porting.workspace.records import Epoch

BETTER = 1e-4
EXPECTED = (
    # Lightning advises more processes for decoding, which images in memory do not need.
    ".*does not have many workers.*",
    ".*isinstance.treespec, LeafSpec.*",
)


def fit_interruptibly(trainer: Trainer, classifier: Classifier, data: Data, last: Path | None) -> None:
    """Trains; Ctrl-C raises `KeyboardInterrupt`, where Lightning would exit with code 1 and ignore further signals."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(classifier, data.module, ckpt_path=last, weights_only=True)
    except SystemExit as leaving:
        raise KeyboardInterrupt from leaving
    finally:
        signal.signal(signal.SIGINT, handler)


@contextmanager
def restored_determinism() -> Iterator[None]:
    """Restores the deterministic mode of torch, which Lightning would leave on for later exports and measurements."""
    before = torch.are_deterministic_algorithms_enabled()
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def fit(
    context: Context, model: nn.Module, name: str, data: Data, settings: FitSettings, teacher: Teacher | None
) -> tuple[nn.Module, list[Epoch]]:
    """Trains `model` in place, and returns it with the weights of the epoch of lowest validation loss.

    An interrupted training of the same name resumes after its last whole epoch. Its checkpoints stay until the variant
    of this name is complete. Raises `DnnPortingError` for a loss that is not finite.
    """
    for name_of_logger in ("lightning.pytorch", "pytorch_lightning"):
        # The one of the two packages that was imported last logs for both.
        logging.getLogger(name_of_logger).setLevel(logging.WARNING)
    precision = chosen_precision(settings.precision)
    example, _ = next(data.batches("val"))
    taught = nullcontext() if teacher is None else teacher.teaching(model, example[:2])
    with (
        context.workspace.training(context.settings.task, name) as folder,
        restored_determinism(),
        progress(name, settings.epochs) as advance,
        taught,
    ):
        classifier = Classifier(model, len(data.labels), settings, teacher).train()
        training = identity(name, classifier)
        watch = Watch(lambda epoch: context.on_epoch(name, epoch), advance)
        with warnings.catch_warnings():
            for message in EXPECTED:
                warnings.filterwarnings("ignore", message=message)
            trainer = trainer_for(settings, precision, folder, training, watch)
            fit_interruptibly(trainer, classifier, data, newest(folder, training))
        # Other processes may have trained, so the history is read from the last checkpoint.
        checkpoint = read(stored_checkpoints(folder)[0].path, training)
        watch.catch_up(checkpoint["callbacks"][watch.state_key])
    # Later code draws the same random numbers whether or not the training was interrupted.
    seeded(watch.seed, settings.epochs)
    classifier.load_state_dict(checkpoint["best"]["weights"])
    return model.cpu().to(memory_format=torch.contiguous_format).eval(), watch.history


def devices(gpus: int) -> dict[str, Any]:
    """The devices of the trainer: all GPUs, each with its own batches, or else the processor.

    Several GPUs get a forked process each, as Lightning's default would start the whole command once more for each.
    """
    if gpus < 2:
        return {"accelerator": "gpu" if gpus else "cpu", "devices": 1}
    return {"accelerator": "gpu", "devices": gpus, "strategy": "ddp_notebook", "sync_batchnorm": True}


def trainer_for(settings: FitSettings, precision: Chosen, folder: Path, training: str, watch: Watch) -> Trainer:
    """The trainer, which keeps its checkpoints in `folder`."""
    stop = Stop("val_loss", mode="min", patience=settings.patience, min_delta=BETTER, check_on_train_epoch_end=True)
    average = [MovingAverage(settings.ema_decay)] if settings.ema_decay else []
    return Trainer(
        max_epochs=settings.epochs,
        callbacks=[watch, stop, *average, Checkpoints(folder)],
        plugins=[DigestedFiles(training)],
        precision=LIGHTNING[precision],
        logger=False,
        **devices(torch.cuda.device_count()),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        deterministic=True,
        default_root_dir=folder,
    )


def recovered(
    context: Context, model: nn.Module, name: str, whole: nn.Module, settings: FinetuneSettings
) -> tuple[nn.Module, list[Epoch]]:
    """The fine-tuned network and its epochs, after a new estimation of its batch statistics.

    `whole`, the unpruned network, is the teacher where distillation is on.
    """
    data, teacher = context.needed_data("finetune"), None
    reestimate_statistics(model, data.training_images(BATCH_NORM_IMAGES))
    if settings.distill:
        teacher = Teacher(whole, settings.distill_weight, settings.temperature, settings.attention_weight)
    return fit(context, model, name, data, settings, teacher)
