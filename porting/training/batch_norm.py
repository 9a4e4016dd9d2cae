"""The statistics of batch normalisation, estimated again after pruning, and the accuracy with them."""

from collections.abc import Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from porting.workspace.data import Data

# The number of training images that gives the means precisely enough for ranking a cut network and for tuning it.
BATCH_NORM_IMAGES = 2048


def reestimate_statistics(model: nn.Module, batches: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Replaces the running statistics by those of batches (N, C, H, W), each weighted by its number of images."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    seen = dict.fromkeys(norms, 0)

    def weigh(norm: _BatchNorm, inputs: tuple[Tensor]) -> None:
        seen[norm] += len(inputs[0])
        norm.momentum = len(inputs[0]) / seen[norm]

    model.train()
    with torch.no_grad(), ExitStack() as hooks:
        for norm in norms:
            norm.reset_running_stats()
            hooks.enter_context(norm.register_forward_pre_hook(weigh))
        for images in without_single_image(batches):
            model(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()


def without_single_image(batches: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """The images of the batches; a single last image joins the batch before, as one value has no variance."""
    images = [batch for batch, _ in batches]
    if len(images) > 1 and len(images[-1]) == 1:
        images[-2:] = [torch.cat(images[-2:])]
    return images


def validation_accuracy(model: nn.Module, data: Data) -> float:
    """The share of right answers on the validation split, with batch statistics estimated again on training images.

    It ranks pruned networks before tuning (Li et al., EagleEye, 2020). The network stays unchanged.
    """
    saved = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    reestimate_statistics(model, data.training_images(BATCH_NORM_IMAGES))
    right = count = 0
    with torch.no_grad():
        for images, labels in data.batches("val"):
            right += int((model(images).argmax(dim=1) == labels).sum())
            count += len(labels)
    model.load_state_dict(saved)
    return right / count
