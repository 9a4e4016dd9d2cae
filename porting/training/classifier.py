"""The classifier that Lightning trains, with cross-entropy and the loss of a teacher where there is one."""

from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchmetrics.classification import MulticlassAccuracy

from porting.configuration.settings import FitSettings
from porting.training.precision import memory_format
from porting.training.teacher import Teacher
from profiler.common.errors import ModelError

MOMENTUM = 0.9


class Classifier(LightningModule):
    """A network with its losses, its accuracy, its optimiser and its schedule."""

    def __init__(self, model: nn.Module, num_classes: int, settings: FitSettings, teacher: Teacher | None) -> None:
        super().__init__()
        self._format = memory_format(model)
        self.model = model.to(memory_format=self._format)
        self._settings, self._teacher = settings, teacher
        self.accuracy = MulticlassAccuracy(num_classes, average="micro")
        self.train_losses: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        """The logits (N, classes) of images (N, C, H, W); raises `ModelError` for an output of another type."""
        logits = self.model(images.contiguous(memory_format=self._format))
        if not isinstance(logits, Tensor):
            raise ModelError(
                f"{type(self.model).__name__} answers with a {type(logits).__name__} in training: a backbone must give "
                "the logits (N, classes) alone, without side outputs"
            )
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """The training loss of a batch."""
        images, labels = batch
        logits = self(images)
        loss = self.labels_loss(logits, labels)
        if self._teacher is not None:
            loss = self._teacher.loss(loss, logits, images)
        # The end of the epoch reads the loss, as a GPU waits for every read.
        self.train_losses.append(loss.detach())
        return loss

    def labels_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The smoothed cross-entropy, for validation too, as the plain one would rate confident answers as worse."""
        return cross_entropy(logits, labels, label_smoothing=self._settings.label_smoothing)

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Logs loss and accuracy of a validation batch."""
        images, labels = batch
        logits = self(images)
        self.accuracy(logits, labels)
        self.log("val_loss", self.labels_loss(logits, labels), batch_size=len(labels), sync_dist=True)
        self.log("val_accuracy", self.accuracy, batch_size=len(labels))

    def configure_optimizers(self) -> Any:
        """SGD with Nesterov momentum on a one-cycle schedule."""
        settings = self._settings
        optimiser = torch.optim.SGD(
            self.parameters(),
            lr=settings.learning_rate,
            momentum=MOMENTUM,
            nesterov=True,
            weight_decay=settings.weight_decay,
        )
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=steps + 1)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
