"""Networks on disk: weights as safetensors and a manifest, without pickles."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from porting.configuration.components import NamedComponent
from porting.configuration.recorded import recorded
from porting.networks.manifest import Manifest, describe, restore
from porting.workspace.records import Network
from porting.workspace.workspace import AGAIN, MANIFEST, WEIGHTS, changed, network_digest
from profiler.common.door import contents, parsed
from profiler.common.errors import ModelError
from profiler.common.files import write_atomically

MANIFEST_LIMIT_BYTES = 64 << 20


def build_backbone(backbone: NamedComponent, in_channels: int, num_classes: int) -> nn.Module:
    """A new network with random weights; raises `ModelError` where the config gives no network."""
    model = backbone.build(in_channels=in_channels, num_classes=num_classes)
    if not isinstance(model, nn.Module):
        raise ModelError(f"{backbone.target} gives a {type(model).__name__}: a backbone must give a torch.nn.Module")
    return model


def save_network(
    model: nn.Module, folder: Path, backbone: NamedComponent, num_classes: int, input_shape: tuple[int, int, int]
) -> Network:
    """Writes weights and manifest, reloads them as a check, and returns their record."""
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
    load_network(network, folder, backbone)
    return network


def load_network(network: Network, folder: Path, own: NamedComponent) -> nn.Module:
    """The saved network in evaluation mode; `own` is the backbone in the settings of this run.

    Raises `ModelError` where a file or an output has changed, and `BadInputError` for a backbone that is in no config.
    """
    if network_digest(folder) != network.sha256:
        raise changed(folder / f"{WEIGHTS} or {MANIFEST}")
    model = build_backbone(recorded(network.backbone, own), network.in_channels, network.num_classes)
    manifest = read_manifest(folder)
    try:
        weights = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise changed(folder / WEIGHTS) from error
    return restore(model, manifest, weights).eval()


def input_shape(folder: Path) -> tuple[int, int, int]:
    """The shape (C, H, W) of the input of the saved network."""
    return read_manifest(folder).input_shape


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a saved network; raises `BadInputError` where it is truncated, foreign or too large."""
    path = folder / MANIFEST
    return parsed(Manifest, contents(path, MANIFEST_LIMIT_BYTES, AGAIN, links=False), str(path), fix=AGAIN)
