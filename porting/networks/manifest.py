"""The shape of a pruned network as data: layer widths and groups, which are applied to a new backbone."""

import math
from typing import Annotated, Any, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from profiler.common.errors import ModelError

WIDTHS: dict[str, tuple[str, ...]] = {
    "Conv1d": ("in_channels", "out_channels", "groups"),
    "Conv2d": ("in_channels", "out_channels", "groups"),
    "ConvTranspose2d": ("in_channels", "out_channels", "groups"),
    "Linear": ("in_features", "out_features"),
    "BatchNorm1d": ("num_features",),
    "BatchNorm2d": ("num_features",),
    "GroupNorm": ("num_groups", "num_channels"),
    "LayerNorm": ("normalized_shape",),
    "PReLU": ("num_parameters",),
}
LARGEST_WIDTH = 1 << 20
LARGEST_TENSOR = 1 << 30
LARGEST_INPUT = 1 << 26
TOLERANCE = 1e-4

Width = int | list[int]
Axis = Annotated[int, Field(ge=1, le=LARGEST_WIDTH)]


class Layer(BaseModel):
    """A layer: its class, and the attributes that pruning changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: str
    widths: dict[str, Width]


class Manifest(BaseModel):
    """All layers by name, the input shape (C, H, W), and the outputs for `fixed_input`, which check a reload."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    layers: dict[str, Layer] = Field(max_length=100_000)
    input_shape: tuple[Axis, Axis, Axis]
    outputs: list[list[float]] = Field(min_length=2, max_length=2)

    @model_validator(mode="after")
    def of_a_size_that_fits(self) -> Self:
        """Refuses a huge input, and outputs of different lengths."""
        if math.prod(self.input_shape) > LARGEST_INPUT:
            raise ValueError(f"an input of shape {self.input_shape} is too large")
        if len({len(row) for row in self.outputs}) != 1:
            raise ValueError("the outputs are not of one length")
        return self


def fixed_input(shape: tuple[int, int, int]) -> Tensor:
    """Two inputs (2, C, H, W) that do not depend on a random generator."""
    count = 2 * math.prod(shape)
    return torch.sin(torch.arange(count, dtype=torch.float64) * 0.7).float().view(2, *shape)


def answers(model: nn.Module, shape: tuple[int, int, int]) -> Tensor:
    """The outputs (2, classes) of the network for the fixed input."""
    with torch.no_grad():
        outputs: Tensor = model.eval()(fixed_input(shape))
    return outputs


def describe(model: nn.Module, input_shape: tuple[int, int, int]) -> Manifest:
    """The manifest of a network; a layer that pruning cannot change has no widths in it."""
    layers = {}
    for name, module in model.named_modules():
        if list(module.parameters(recurse=False)):
            kind = kind_of(module)
            widths = {key: plain(getattr(module, key)) for key in WIDTHS.get(kind, ())}
            layers[name] = Layer(kind=kind, widths=widths)
    return Manifest(layers=layers, input_shape=input_shape, outputs=answers(model, input_shape).tolist())


def kind_of(module: nn.Module) -> str:
    """The name of the torch layer that a module is or extends, or else of its own class."""
    names = [kind.__name__ for kind in type(module).__mro__ if kind.__module__.startswith("torch.nn.")]
    return next((name for name in names if name in WIDTHS), type(module).__name__)


def plain(value: Any) -> Width:
    """An attribute of a layer as an integer or a list of integers."""
    return int(value) if isinstance(value, int) else [int(axis) for axis in value]


def restore(model: nn.Module, manifest: Manifest, weights: dict[str, Tensor]) -> nn.Module:
    """Gives a new backbone the shape of the manifest and the weights, and checks its outputs.

    Raises `ModelError` for an unknown layer, for a tensor that is missing, left over or of another shape, and for
    outputs for the fixed input that differ from the stored ones.
    """
    modules = dict(model.named_modules())
    for name, layer in manifest.layers.items():
        if name not in modules or kind_of(modules[name]) != layer.kind:
            raise ModelError(f"the backbone has no {layer.kind} named {name!r}: it is not the one that was saved")
        reshape(modules[name], name, layer, weights)
    try:
        model.load_state_dict(weights, strict=True)
        found = answers(model, manifest.input_shape)
    except RuntimeError as error:
        raise ModelError(f"the weights do not fit the network: {' '.join(str(error).split())[:300]}") from error
    stored = torch.tensor(manifest.outputs)
    if found.shape != stored.shape or not torch.allclose(found, stored, rtol=TOLERANCE, atol=TOLERANCE):
        raise ModelError("the reloaded network has other outputs than the saved one: restore the code of its backbone")
    return model


def reshape(module: nn.Module, name: str, layer: Layer, weights: dict[str, Tensor]) -> None:
    """Sets the widths of a layer, and replaces its tensors by empty ones of the stored shapes."""
    for key, value in layer.widths.items():
        numbers = value if isinstance(value, list) else [value]
        known = key in WIDTHS.get(layer.kind, ()) and type(plain(getattr(module, key))) is type(value)
        if not known or not all(0 < number <= LARGEST_WIDTH for number in numbers):
            raise ModelError(f"layer {name!r} cannot have {key}={str(value)[:80]}")
        setattr(module, key, tuple(value) if isinstance(value, list) else value)
    holders: list[dict[str, Any]] = [module._parameters, module._buffers]
    for holder in holders:
        for key, tensor in holder.items():
            stored = weights.get(f"{name}.{key}".lstrip("."))
            if tensor is None or stored is None:
                continue
            if stored.numel() > LARGEST_TENSOR:
                raise ModelError(f"tensor {name}.{key} of shape {tuple(stored.shape)} is too large")
            empty = torch.empty_like(stored)
            holder[key] = nn.Parameter(empty) if isinstance(tensor, nn.Parameter) else empty
