"""What a network can do after it was cut: its statistics estimated again, some training, its accuracy."""

import torch
from torch import nn

from porting.context import Context
from porting.data import Data
from porting.training.batch_norm import reestimate_statistics
from porting.training.fit import fit
from porting.training.teacher import Teacher


def recovered(context: Context, model: nn.Module, name: str, whole: nn.Module, epochs: int) -> nn.Module:
    """The network after some epochs of the fine-tuning that the settings describe, taught by the whole one."""
    settings, data = context.settings.finetune, context.needed_data("finetune")
    reestimate_statistics(model, data.batches("train"))
    few = settings.model_copy(update={"epochs": epochs, "patience": epochs})
    trained, _ = fit(context, model, name, data, few, teacher(context, whole))
    return trained


def teacher(context: Context, whole: nn.Module) -> Teacher | None:
    """The unpruned network as teacher, where distillation is on."""
    settings = context.settings.finetune
    if not settings.distill:
        return None
    return Teacher(whole, settings.distill_weight, settings.temperature, settings.attention_weight)


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


BATCH_NORM_IMAGES = 2048
