"""How good a cut network could become, told without training it."""

import torch
from torch import nn

from porting.training.batch_norm import BATCH_NORM_IMAGES, reestimate_statistics
from porting.workspace.data import Data


def validation_accuracy(model: nn.Module, data: Data) -> float:
    """The share of right answers on the validation split, batch normalisation estimated again on training images.

    It ranks pruned networks before they are tuned (Li et al., EagleEye, 2020); the network itself stays as it was.
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
