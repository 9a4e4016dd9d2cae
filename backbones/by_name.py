"""Networks of torchvision and timm by their names there, with random weights."""

from typing import Any

import torch
from torch import nn

# In training these networks return side outputs too; their weights were trained from this initialisation.
WITH_SIDE_OUTPUTS = ("googlenet", "inception_v3")
PLAIN = {"aux_logits": False, "init_weights": True}
# Arguments with which the libraries load or download a file.
LOADING = {"weights", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir"}


def torchvision_network(in_channels: int, num_classes: int, network: str, **arguments: Any) -> nn.Module:
    """A classifier of torchvision; raises `ValueError` for an unknown name."""
    from torchvision import models

    refuse_loading(arguments)
    known = models.list_models(module=models)
    if network not in known:
        raise ValueError(f"torchvision has no network {network!r}: it has {', '.join(known)}")
    if network in WITH_SIDE_OUTPUTS:
        arguments = PLAIN | arguments
    model: nn.Module = models.get_model(network, weights=None, num_classes=num_classes, **arguments)
    return with_input(model, in_channels)


def timm_network(in_channels: int, num_classes: int, network: str, **arguments: Any) -> nn.Module:
    """A network of timm; raises `ValueError` for an unknown name, and without the package timm."""
    try:
        import timm
    except ModuleNotFoundError as error:
        raise ValueError("the package timm is not installed: pip install 'dnn-porting[timm]'") from error
    refuse_loading(arguments)
    if not timm.is_model(network):
        raise ValueError(
            f"timm has no network {network!r}: python -c 'import timm; print(timm.list_models())' lists all"
        )
    model: nn.Module = timm.create_model(network, num_classes=num_classes, in_chans=in_channels, **arguments)
    return model


def refuse_loading(arguments: dict[str, Any]) -> None:
    """Raises `ValueError` for an argument that loads weights."""
    if found := sorted(LOADING & arguments.keys()):
        raise ValueError(f"{found[0]!r} loads weights, and a backbone starts with random ones: give train.weights=FILE")


def with_input(model: nn.Module, in_channels: int) -> nn.Module:
    """The network, whose first convolution gets `in_channels` input channels."""
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    if first.in_channels != in_channels:
        first.in_channels = in_channels
        first.weight = nn.Parameter(torch.empty(first.out_channels, in_channels, *first.kernel_size))
        first.reset_parameters()
    return model
