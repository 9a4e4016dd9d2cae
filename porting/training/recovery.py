"""The recovery of accuracy after a cut: new batch statistics, and training with the unpruned network as teacher."""

from torch import nn

from porting.configuration.settings import FinetuneSettings
from porting.jobs.context import Context
from porting.training.batch_norm import BATCH_NORM_IMAGES, reestimate_statistics
from porting.training.teacher import Teacher
from porting.training.training_loop import fit
from porting.workspace.records import Epoch


def recovered(
    context: Context, model: nn.Module, name: str, whole: nn.Module, settings: FinetuneSettings
) -> tuple[nn.Module, list[Epoch]]:
    """The fine-tuned network and its epochs; `whole`, the unpruned network, is the teacher."""
    data = context.needed_data("finetune")
    reestimate_statistics(model, data.training_images(BATCH_NORM_IMAGES))
    return fit(context, model, name, data, settings, teacher(whole, settings))


def teacher(whole: nn.Module, settings: FinetuneSettings) -> Teacher | None:
    """The teacher, where distillation is on."""
    if not settings.distill:
        return None
    return Teacher(whole, settings.distill_weight, settings.temperature, settings.attention_weight)
