"""A network's shape as data: what does not fit the backbone or the weights is refused."""

import pytest
import torch
from pruned import Two
from torch import Tensor, nn

from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet8
from porting.networks.manifest import answers, describe, fixed_input, restore
from profiler.common.errors import ModelError


def test_a_manifest_for_another_backbone_is_refused() -> None:
    model = resnet8(3, 10)
    manifest = describe(model, (3, 16, 16))
    with pytest.raises(ModelError, match="not the one that was saved"):
        restore(mobilenet_v2(3, 10), manifest, dict(model.state_dict()))


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_weights_are_loaded_strictly(change: str) -> None:
    model = resnet8(3, 10)
    manifest, weights = describe(model, (3, 16, 16)), dict(model.state_dict())
    if change == "missing":
        weights.pop("fc.bias")
    elif change == "extra":
        weights["more"] = torch.zeros(1)
    else:
        weights["fc.bias"] = torch.zeros(9)
    with pytest.raises(ModelError):
        restore(resnet8(3, 10), manifest, weights)


def test_other_answers_after_a_reload_are_refused() -> None:
    model = resnet8(3, 10)
    manifest, weights = describe(model, (3, 16, 16)), {k: v.clone() for k, v in model.state_dict().items()}
    weights["fc.bias"] += 0.1
    with pytest.raises(ModelError, match="has other outputs than the saved one"):
        restore(resnet8(3, 10), manifest, weights)


@pytest.mark.parametrize("width", [0, -1, 1 << 40])
def test_impossible_widths_in_a_manifest_are_refused(width: int) -> None:
    model = resnet8(3, 10)
    manifest = describe(model, (3, 16, 16))
    manifest.layers["conv1"].widths["out_channels"] = width
    with pytest.raises(ModelError, match="cannot have"):
        restore(resnet8(3, 10), manifest, dict(model.state_dict()))


def test_the_fixed_input_is_what_it_always_was() -> None:
    assert fixed_input((1, 1, 2)).flatten().tolist() == pytest.approx([0.0, 0.644218, 0.985450, 0.863209], abs=1e-5)


def test_layers_that_pruning_cannot_change_reload_too() -> None:
    class Scaled(Two):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.full((1,), 2.0))

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * self.scale

    model = Scaled()
    manifest = describe(model, (3, 16, 16))
    again = restore(Scaled(), manifest, {name: tensor.clone() for name, tensor in model.state_dict().items()})
    assert torch.equal(answers(again, (3, 16, 16)), answers(model, (3, 16, 16)))
