"""Where a network looks: attention maps, which do not depend on how many channels there are.

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
    """Of some layers of a network the squares of their channels, added up and normalised, (N, H × W) each."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        self._names, self._maps = names, dict[str, Tensor]()
        self._handles = [model.get_submodule(name).register_forward_hook(partial(self._note, name)) for name in names]

    def _note(self, name: str, _: nn.Module, __: Any, features: Tensor) -> None:
        # Their own copy: the next layer may overwrite them (`inplace=True`), and the square's gradient needs them.
        own = features.to(torch.float32, copy=True)
        self._maps[name] = normalize(own.square().sum(dim=1).flatten(1), dim=1)

    def taken(self) -> list[Tensor]:
        """The maps of the last pictures."""
        return [self._maps.pop(name) for name in self._names]

    def close(self) -> None:
        """Leaves the network as it was."""
        for handle in self._handles:
            handle.remove()


def distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Tensor:
    """The mean over images of the squared distance between the maps, added up over the layers (eq. 2)."""
    return torch.stack([(a - b).square().sum(dim=1).mean() for a, b in zip(ours, theirs, strict=True)]).sum()


def comparable_layers(one: nn.Module, other: nn.Module, images: Tensor) -> list[str]:
    """The last layer of each picture size above 1×1 that both networks have, by name and size."""
    ours, theirs = sizes(one, images), sizes(other, images)
    last = {size: name for name, size in ours.items() if theirs.get(name) == size and max(size) > 1}
    return list(last.values())


def sizes(model: nn.Module, images: Tensor) -> dict[str, Size]:
    """Height and width of every layer's output that is a picture, in the order in which they are ready."""
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
