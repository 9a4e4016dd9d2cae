"""What is seen of a training: its history, which survives an interruption, the progress, and its random numbers."""

import math
import os
from collections.abc import Callable
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from porting.common.console import Advance
from porting.jobs.context import seeded
from porting.workspace.records import Epoch
from profiler.common.errors import DivergedError


class Watch(Callback):
    """Keeps each epoch's figures, passes them on, and moves the progress bar.

    Every epoch has random numbers of its own, drawn from the seed, so that a training which goes on after an
    interruption gives what it would have given without.
    """

    def __init__(self, on_epoch: Callable[[Epoch], None], advance: Advance) -> None:
        self.history: list[Epoch] = []
        self._on_epoch, self._advance = on_epoch, advance
        self.seed = torch.initial_seed()
        self._told, self._process = 0, os.getpid()

    def state_dict(self) -> dict[str, Any]:
        return {"history": [epoch.model_dump() for epoch in self.history], "seed": self.seed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = [Epoch.model_validate(epoch) for epoch in state_dict["history"]]
        self.seed = state_dict["seed"]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        self._tell()

    def catch_up(self, state_dict: dict[str, Any]) -> None:
        """Takes over and passes on what other processes have seen meanwhile."""
        self.load_state_dict(state_dict)
        self._tell()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        seeded(self.seed + trainer.current_epoch)
        if trainer.fit_loop.is_resuming:
            # Lightning begins to read the data before this hook then, else after it, and that draws a number too.
            iter(trainer.fit_loop._data_fetcher)  # type: ignore[arg-type]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
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
        self._tell()

    def _tell(self) -> None:
        """What was not told yet; a child of the process that listens leaves it to `catch_up`."""
        if os.getpid() != self._process:
            return
        for epoch in self.history[self._told :]:
            self._on_epoch(epoch)
            self._advance(f"validation accuracy {epoch.val_accuracy:.4f}")
        self._told = len(self.history)
