"""Distillation: a pruned network learns the answers and the attention of the unpruned one."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax, softmax

from porting.training.attention import AttentionMaps, comparable_layers, distance
from porting.training.precision import memory_format
from profiler.common.errors import BadInputError


class Teacher:
    """The teacher of a network. It is no module, so that its weights are neither trained nor saved.

    `weight` is the share of its answers in the loss, and labels have the rest. `attention_weight` is the factor of the
    distance between attention maps, which is added to the loss.
    """

    def __init__(self, model: nn.Module, weight: float, temperature: float, attention_weight: float = 0.0) -> None:
        self.model, self.weight, self.temperature = model.eval(), weight, temperature
        self.attention_weight, self._format = attention_weight, memory_format(model)
        self._teacher_maps: AttentionMaps | None = None
        self._student_maps: AttentionMaps | None = None

    @contextmanager
    def teaching(self, student: nn.Module, images: Tensor) -> Iterator[None]:
        """Prepares both networks for training; `images` (N, C, H, W) show the sizes of their features.

        Raises `BadInputError` for a student with another number of classes, and for no comparable attention.
        """
        with torch.no_grad():
            taught, learnt = self.model(images), student.eval()(images)
        if taught.shape != learnt.shape:
            raise BadInputError(
                f"the teacher tells {taught.shape[1]} classes apart and the network {learnt.shape[1]}: "
                "take a teacher of the same task, or finetune.distill=false"
            )
        if self.attention_weight:
            names = comparable_layers(student, self.model, images)
            if not names:
                raise BadInputError(
                    f"finetune.attention_weight={self.attention_weight:g} compares pictures inside the networks, and "
                    "they have none above 1×1 of the same size: take finetune.attention_weight=0"
                )
            self._student_maps, self._teacher_maps = AttentionMaps(student, names), AttentionMaps(self.model, names)
        self.model.to(memory_format=self._format)
        try:
            yield
        finally:
            # Later cuts need the teacher on its former device and in its former layout.
            self.model.to(images.device).to(memory_format=torch.contiguous_format)
            for maps in (self._student_maps, self._teacher_maps):
                if maps:
                    maps.close()
            self._student_maps = self._teacher_maps = None

    def loss(self, own: Tensor, logits: Tensor, images: Tensor) -> Tensor:
        """The loss: that on the labels, `own`, and that on the teacher's answers to the same images.

        The latter is the Kullback-Leibler divergence at a temperature, times the square of the temperature (Hinton et
        al. 2015, section 2).
        """
        with torch.no_grad():
            taught = self.model.to(images.device)(images.contiguous(memory_format=self._format))
        student = log_softmax(logits / self.temperature, dim=1)
        target = softmax(taught / self.temperature, dim=1)
        divergence = kl_div(student, target, reduction="batchmean") * self.temperature**2
        loss = (1 - self.weight) * own + self.weight * divergence
        if self._student_maps and self._teacher_maps:
            loss = loss + self.attention_weight * distance(self._student_maps.taken(), self._teacher_maps.taken())
        return loss
