"""What gives a cut network its accuracy back: statistics estimated again, and training by the whole one."""

from torch import nn

from porting.context import Context
from porting.training.batch_norm import BATCH_NORM_IMAGES, reestimate_statistics
from porting.training.fit import fit
from porting.training.teacher import Teacher


def recovered(context: Context, model: nn.Module, name: str, whole: nn.Module, epochs: int) -> nn.Module:
    """The network after some epochs of the fine-tuning that the settings describe, taught by the whole one."""
    settings, data = context.settings.finetune, context.needed_data("finetune")
    reestimate_statistics(model, data.training_images(BATCH_NORM_IMAGES))
    few = settings.model_copy(update={"epochs": epochs, "patience": epochs})
    trained, _ = fit(context, model, name, data, few, teacher(context, whole))
    return trained


def teacher(context: Context, whole: nn.Module) -> Teacher | None:
    """The unpruned network as teacher, where distillation is on."""
    settings = context.settings.finetune
    if not settings.distill:
        return None
    return Teacher(whole, settings.distill_weight, settings.temperature, settings.attention_weight)
