"""The callbacks of a training: the history with its reports, early stopping, and the moving average of weights."""

import math
import os
from collections.abc import Callable
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping, WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from porting.common.console import Advance
from porting.training.streams import seeded
from porting.workspace.records import Epoch
from profiler.common.errors import DivergedError


class Watch(Callback):
    """Keeps the figures of each epoch, reports them and moves the progress bar.

    Every epoch has its own random numbers from the seed, so that an interrupted training ends with the same weights.
    """

    def __init__(self, on_epoch: Callable[[Epoch], None], advance: Advance) -> None:
        self.history: list[Epoch] = []
        self._on_epoch, self._advance = on_epoch, advance
        self.seed = torch.initial_seed()
        self._reported, self._process = 0, os.getpid()

    def state_dict(self) -> dict[str, Any]:
        """The history and the seed, for the checkpoint."""
        return {"history": [epoch.model_dump() for epoch in self.history], "seed": self.seed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes history and seed from a checkpoint."""
        self.history = [Epoch.model_validate(epoch) for epoch in state_dict["history"]]
        self.seed = state_dict["seed"]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Reports the epochs of an earlier, interrupted run."""
        self._report()

    def catch_up(self, state_dict: dict[str, Any]) -> None:
        """Takes the history of other processes from a checkpoint, and reports it."""
        self.load_state_dict(state_dict)
        self._report()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Sets the random numbers of the epoch."""
        seeded(self.seed, trainer.current_epoch)
        if trainer.fit_loop.is_resuming:
            # After a resumption Lightning starts reading data before this hook, which draws a random number.
            iter(trainer.fit_loop._data_fetcher)  # type: ignore[arg-type]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Adds the epoch to the history; raises `DivergedError` for a loss that is not finite."""
        losses = {
            "training": float(torch.stack(pl_module.train_losses).mean()),
            "validation": float(trainer.callback_metrics["val_loss"]),
        }
        pl_module.train_losses.clear()
        for which, loss in losses.items():
            if not math.isfinite(loss):
                raise DivergedError(
                    f"the {which} loss became {loss} in epoch {trainer.current_epoch}: lower the learning rate"
                )
        accuracy = float(trainer.callback_metrics["val_accuracy"])
        epoch = Epoch(
            epoch=trainer.current_epoch,
            train_loss=losses["training"],
            val_loss=losses["validation"],
            val_accuracy=accuracy,
        )
        self.history.append(epoch)
        self._report()

    def _report(self) -> None:
        """Reports new epochs; a forked process leaves this to its parent (`catch_up`)."""
        if os.getpid() != self._process:
            return
        for epoch in self.history[self._reported :]:
            self._on_epoch(epoch)
            self._advance(f"validation accuracy {epoch.val_accuracy:.4f}")
        self._reported = len(self.history)


class Stop(EarlyStopping):
    """Early stopping that also stops a training which resumes from the checkpoint of its last epoch."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Stops where the patience was already exhausted."""
        trainer.should_stop = self.wait_count >= self.patience


class MovingAverage(WeightAveraging):
    """The exponential moving average of weights and batch statistics over all steps; it is validated and kept."""

    def __init__(self, decay: float) -> None:
        def average(averaged: list[Tensor], current: list[Tensor], seen: Tensor) -> None:
            share = kept_share(decay, int(seen))
            get_ema_multi_avg_fn(share)(averaged, current, seen)  # type: ignore[no-untyped-call]

        super().__init__(multi_avg_fn=average)


def kept_share(decay: float, seen: int) -> float:
    """The share of the average that a step keeps: below `decay` at first, so that the first weights count little."""
    return min(decay, (1 + seen) / (10 + seen))
