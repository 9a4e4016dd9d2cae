"""The attention maps of a network, whose shapes do not depend on the number of channels.

After Zagoruyko and Komodakis, "Paying More Attention to Attention" (2017), section 3.1.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

Size = tuple[int, int]


class AttentionMaps:
    """The attention maps (N, H × W) of some layers: the normalised sums of the squares of their channels."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        self._names, self._maps = names, dict[str, Tensor]()
        self._handles = [model.get_submodule(name).register_forward_hook(partial(self._note, name)) for name in names]

    def _note(self, name: str, _: nn.Module, __: Any, features: Tensor) -> None:
        # The gradient of the square needs a copy, as the next layer may overwrite the features (`inplace=True`).
        own = features.to(torch.float32, copy=True)
        self._maps[name] = normalize(own.square().sum(dim=1).flatten(1), dim=1)

    def taken(self) -> list[Tensor]:
        """Returns the maps of the last images, and forgets them."""
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
    handles = []
    for name, module in model.named_modules():

        def note(_: nn.Module, __: Any, output: Any, name: str = name) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                found[name] = output.shape[2], output.shape[3]

        handles.append(module.register_forward_hook(note))
    training = model.training
    with torch.no_grad():
        model.eval()(images)
    for handle in handles:
        handle.remove()
    model.train(training)
    return found
