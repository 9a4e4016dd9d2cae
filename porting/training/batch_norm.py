"""Re-estimating batch-normalisation statistics: pruning changes what flows, the stored means do not follow."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

# Means over so many training images are known well enough, for ranking a cut network and for starting to tune it.
BATCH_NORM_IMAGES = 2048


def reestimate_statistics(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Replaces the running statistics by the plain mean over `batches` of images (N, C, H, W)."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    with torch.no_grad():
        for images, _ in batches:
            model(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
