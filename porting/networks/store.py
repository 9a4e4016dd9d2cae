"""Networks on disk: safetensors weights and a manifest, nothing pickled."""

from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from porting.components import NamedComponent
from porting.networks.manifest import Manifest, describe, restore
from porting.records import Network
from porting.workspace import MANIFEST, WEIGHTS, network_digest
from profiler.errors import ModelError
from profiler.files import write_atomically

MANIFEST_LIMIT_BYTES = 64 << 20


def build_backbone(backbone: NamedComponent, in_channels: int, num_classes: int) -> nn.Module:
    """A fresh network with random weights."""
    model = backbone.build(in_channels=in_channels, num_classes=num_classes)
    if not isinstance(model, nn.Module):
        raise ModelError(f"{backbone.target} gives a {type(model).__name__}: a backbone must give a torch.nn.Module")
    return model


def save_network(
    model: nn.Module, folder: Path, backbone: NamedComponent, num_classes: int, input_shape: tuple[int, int, int]
) -> Network:
    """Writes weights and manifest, reloads them to see that they are whole, and returns their record."""
    model = model.eval().cpu()
    manifest = describe(model, input_shape)
    weights = save({name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()})
    write_atomically(folder / WEIGHTS, weights)
    write_atomically(folder / MANIFEST, manifest.model_dump_json())
    network = Network(
        backbone=backbone,
        in_channels=input_shape[0],
        num_classes=num_classes,
        sha256=network_digest(folder),
    )
    load_network(network, folder)
    return network


def load_network(network: Network, folder: Path) -> nn.Module:
    """The saved network, in evaluation mode; raises `ModelError` where anything differs from what was saved."""
    model = build_backbone(network.backbone, network.in_channels, network.num_classes)
    try:
        manifest = read_manifest(folder)
        weights = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"the network in {folder} is missing or truncated ({error}): run its stage again") from error
    return restore(model, manifest, weights).eval()


def input_shape(folder: Path) -> tuple[int, int, int]:
    """C, H, W of the saved network's input."""
    return read_manifest(folder).input_shape


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a saved network; raises `ModelError` for one that is truncated, foreign or gigantic."""
    path = folder / MANIFEST
    if path.stat().st_size > MANIFEST_LIMIT_BYTES:
        raise ModelError(f"{path} is larger than {MANIFEST_LIMIT_BYTES} bytes: run its stage again")
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"]
        raise ModelError(f"{path} is truncated or no manifest ({why}): run its stage again") from error
