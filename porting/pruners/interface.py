"""The one interface of all pruning engines, and what every pruned network must have in common."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from profiler.errors import BadInputError

CRITERIA = ("taylor", "l1", "fpgm")
Batches = Sequence[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Request:
    """What to prune: a ratio of each layer's channels in (0, 1), kept widths in multiples of `round_to`.

    `batches` of training images (N, C, H, W) and labels (N) are there for criteria that need gradients.
    """

    ratio: float
    round_to: int
    batches: Batches


class Pruner(Protocol):
    """An engine with its criterion. `prune` may change `model` and returns a physically smaller network."""

    def prune(self, model: nn.Module, request: Request) -> nn.Module: ...


def checked_criterion(criterion: str) -> str:
    """Raises `ValueError` for a criterion that the engines do not have."""
    if criterion not in CRITERIA:
        raise ValueError(f"criterion {criterion!r} is unknown: choose one of {', '.join(CRITERIA)}")
    return criterion


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def check_pruned(before: int, model: nn.Module, request: Request) -> None:
    """Raises `BadInputError` where nothing was pruned or the result does not run; `before` counts parameters."""
    after = count_parameters(model)
    if after >= before:
        raise BadInputError(
            f"ratio {request.ratio:g} with prune.round_to={request.round_to} prunes nothing from "
            f"{type(model).__name__}: ask for a larger ratio or a smaller prune.round_to"
        )
    images, _ = request.batches[0]
    name = f"{type(model).__name__} pruned by {request.ratio:g}"
    try:
        with torch.no_grad():
            answers = model.eval()(images)
    except RuntimeError as error:
        raise BadInputError(f"{name} does not run ({error}): its code fixes a width that pruning changes") from error
    if len(answers) != len(images) or not torch.isfinite(answers).all():
        raise BadInputError(f"{name} answers {tuple(answers.shape)} or NaN to {len(images)} images: take other ratios")


@contextmanager
def untouched_statistics(model: nn.Module) -> Iterator[None]:
    """Gives batch normalisation its running statistics back afterwards: scoring must not move them."""
    saved = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        yield
    finally:
        for name, buffer in model.named_buffers():
            buffer.copy_(saved[name])


def accumulate_gradients(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """The gradient of the loss over all batches, with batch normalisation as it serves."""
    model.eval()
    model.zero_grad()
    for images, labels in batches:
        torch.autograd.backward(nn.functional.cross_entropy(model(images), labels))
