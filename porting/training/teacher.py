"""What a pruned network learns from the one that it was cut from: its answers, and where it looks."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax, softmax

from porting.training.attention import AttentionMaps, comparable_layers, distance
from porting.training.precision import memory_format
from profiler.common.errors import BadInputError


class Teacher:
    """The network that teaches; not a module, so that its weights are neither trained nor saved.

    `weight` is the share of its answers in the loss, the labels' being the rest; `attention_weight` is what the
    distance between attention maps counts on top.
    """

    def __init__(self, model: nn.Module, weight: float, temperature: float, attention_weight: float = 0.0) -> None:
        self.model, self.weight, self.temperature = model.eval(), weight, temperature
        self.attention_weight, self._format = attention_weight, memory_format(model)
        self._theirs: AttentionMaps | None = None
        self._ours: AttentionMaps | None = None

    @contextmanager
    def teaching(self, student: nn.Module, images: Tensor) -> Iterator[None]:
        """Watches both networks meanwhile; `images` (N, C, H, W) tell how large their features are.

        Raises `BadInputError` for a student of other classes, and where no attention can be compared.
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
            self._ours, self._theirs = AttentionMaps(student, names), AttentionMaps(self.model, names)
        self.model.to(memory_format=self._format)
        try:
            yield
        finally:
            # Further networks may be cut from it, on the device and in the layout that it came with.
            self.model.to(images.device).to(memory_format=torch.contiguous_format)
            for maps in (self._ours, self._theirs):
                if maps:
                    maps.close()
            self._ours = self._theirs = None

    def loss(self, own: Tensor, logits: Tensor, images: Tensor) -> Tensor:
        """The student's loss on the labels, `own`, and on the teacher's answers to the same images.

        These are compared by the Kullback-Leibler divergence at a temperature, times its square (Hinton et al. 2015,
        section 2).
        """
        with torch.no_grad():
            taught = self.model.to(images.device)(images.contiguous(memory_format=self._format))
        student = log_softmax(logits / self.temperature, dim=1)
        target = softmax(taught / self.temperature, dim=1)
        divergence = kl_div(student, target, reduction="batchmean") * self.temperature**2
        loss = (1 - self.weight) * own + self.weight * divergence
        if self._ours and self._theirs:
            loss = loss + self.attention_weight * distance(self._ours.taken(), self._theirs.taken())
        return loss
