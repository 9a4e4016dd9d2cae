"""Distillation: a pruned network learns the answers and the attention of the unpruned one."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax, normalize, softmax

from porting.training.precision import memory_format
from profiler.common.errors import BadInputError

Size = tuple[int, int]


class Teacher:
    """The teacher of a network, which is no module, so that its weights are neither trained nor saved.

    `weight` is the share of its answers in the loss, and labels have the rest. `attention_weight` is the factor of the
    distance between attention maps, which is added to the loss.
    """

    def __init__(self, model: nn.Module, weight: float, temperature: float, attention_weight: float = 0.0) -> None:
        self.model, self.weight, self.temperature = model.eval(), weight, temperature
        self.attention_weight, self._format = attention_weight, memory_format(model)
        self._maps: tuple[AttentionMaps, AttentionMaps] | None = None

    @contextmanager
    def teaching(self, student: nn.Module, images: Tensor) -> Iterator[None]:
        """Prepares both networks for training; `images` (N, C, H, W) show the sizes of their features.

        Raises `BadInputError` for a student with another number of classes, and for no comparable attention.
        """
        with torch.no_grad():
            taught, learnt = self.model(images), student.eval()(images)
        if taught.shape != learnt.shape:
            raise BadInputError(
                f"the teacher has {taught.shape[1]} classes and the network {learnt.shape[1]}: "
                "take a teacher of the same task, or finetune.distill=false"
            )
        if self.attention_weight:
            names = comparable_layers(student, self.model, images)
            if not names:
                raise BadInputError(
                    f"finetune.attention_weight={self.attention_weight:g} compares pictures inside the networks, and "
                    "they have none above 1×1 of the same size: take finetune.attention_weight=0"
                )
            self._maps = AttentionMaps(student, names), AttentionMaps(self.model, names)
        self.model.to(memory_format=self._format)
        try:
            yield
        finally:
            # Later cuts need the teacher on its former device and in its former layout.
            self.model.to(images.device).to(memory_format=torch.contiguous_format)
            for maps in self._maps or ():
                maps.close()
            self._maps = None

    def loss(self, own: Tensor, logits: Tensor, images: Tensor) -> Tensor:
        """The sum of the loss on the labels, `own`, and the loss on the teacher's answers to the same images.

        The second loss is the Kullback-Leibler divergence at a temperature, times the square of the temperature
        (Hinton et al. 2015, section 2).
        """
        with torch.no_grad():
            taught = self.model.to(images.device)(images.contiguous(memory_format=self._format))
        student = log_softmax(logits / self.temperature, dim=1)
        target = softmax(taught / self.temperature, dim=1)
        divergence = kl_div(student, target, reduction="batchmean") * self.temperature**2
        loss = (1 - self.weight) * own + self.weight * divergence
        if self._maps:
            student_maps, teacher_maps = (maps.pop() for maps in self._maps)
            loss = loss + self.attention_weight * distance(student_maps, teacher_maps)
        return loss


class AttentionMaps:
    """The attention maps (N, H × W) of some layers: the normalised sums of the squares of their channels.

    The source is Zagoruyko and Komodakis, "Paying More Attention to Attention" (2017), section 3.1.
    """

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        self._names, self._maps = names, dict[str, Tensor]()
        self._handles = [model.get_submodule(name).register_forward_hook(partial(self._note, name)) for name in names]

    def _note(self, name: str, _: nn.Module, __: Any, features: Tensor) -> None:
        # The gradient of the square needs a copy, as the next layer may overwrite the features (`inplace=True`).
        own = features.to(torch.float32, copy=True)
        self._maps[name] = normalize(own.square().sum(dim=1).flatten(1), dim=1)

    def pop(self) -> list[Tensor]:
        """Returns the maps of the last images, and removes them."""
        return [self._maps.pop(name) for name in self._names]

    def close(self) -> None:
        """Removes the hooks from the network."""
        for handle in self._handles:
            handle.remove()


def distance(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    """The squared distance between the maps, the mean over images and the sum over layers (equation 2)."""
    return torch.stack([(a - b).square().sum(dim=1).mean() for a, b in zip(student, teacher, strict=True)]).sum()


def comparable_layers(one: nn.Module, other: nn.Module, images: Tensor) -> list[str]:
    """The last layer of each image size above 1×1 that both networks have with this name and size."""
    own, others = sizes(one, images), sizes(other, images)
    last = {size: name for name, size in own.items() if others.get(name) == size and max(size) > 1}
    return list(last.values())


def sizes(model: nn.Module, images: Tensor) -> dict[str, Size]:
    """The height and width of each output (N, C, H, W) of a layer, in the order of computation."""
    found: dict[str, Size] = {}

    def note(name: str, _: nn.Module, __: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            found[name] = output.shape[2], output.shape[3]

    training = model.training
    with ExitStack() as hooks, torch.no_grad():
        for name, module in model.named_modules():
            hooks.enter_context(module.register_forward_hook(partial(note, name)))
        model.eval()(images)
    model.train(training)
    return found
