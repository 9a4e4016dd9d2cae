"""The work of the stage prune: cuts a network, and records the result."""

from pathlib import Path

import torch
from torch import nn

from porting.jobs.context import Context
from porting.jobs.job import Job
from porting.jobs.new_variant import VariantContent, make_variant
from porting.networks.store import input_shape, load_network, save_network
from porting.pruners.interface import NothingPrunedError, Pruner, count_parameters
from porting.pruners.latency_budget import OutOfReachError
from porting.pruners.surgery import Reached, Surgery
from porting.stages.prune import Pruned
from porting.stages.pruned_variants import achieved, network_of, warn_of_shortfall
from porting.training.batch_norm import validation_accuracy
from porting.training.streams import seeded
from porting.workspace.records import Pruning, Variant

NOT_MEASURED = "its aim is no throughput"


def run(context: Context, job: Job) -> Variant:
    """The pruned network as a new variant."""
    pruned = Pruned.of(context, job)
    return make_variant(context, job, lambda folder, name: make(pruned, folder, name))


def make(pruned: Pruned, folder: Path, name: str) -> VariantContent:
    """Cuts the network, and saves it in the folder of the variant `name`."""
    context, data = pruned.context, pruned.context.needed_data("prune")
    seeded(context.settings.seed)
    model, whole = (loaded(context, variant) for variant in (pruned.start, pruned.base))
    before = count_parameters(whole)
    batches = data.training_images(context.settings.prune.scoring_batches * data.module.batch_size)
    pruner: Pruner = pruned.component.build()
    surgery = Surgery(pruned.name, pruner, whole, pruned.base.key, batches, pruned.measured_target)
    smaller, reached = cut(pruned, surgery, model, name)
    accuracy = validation_accuracy(smaller, data)
    network = network_of(pruned.base)
    shape = input_shape(context.workspace.folder(pruned.base))
    saved = save_network(smaller, folder, network.backbone, network.num_classes, shape)
    pruning = record(pruned, before, count_parameters(smaller), accuracy, reached)
    warn_of_shortfall(pruning)
    return VariantContent(network=saved, pruning=pruning, chosen={"reached": got} if (got := achieved(pruning)) else {})


def cut(pruned: Pruned, surgery: Surgery, model: nn.Module, name: str) -> tuple[nn.Module, Reached | None]:
    """Cuts in the steps of the settings, with short training between them; a step that cuts nothing is skipped."""
    context, prune = pruned.context, pruned.context.settings.prune
    aim, start = surgery.relative(pruned.aim), model
    few = {"epochs": prune.step_epochs, "patience": prune.step_epochs}
    tuning = context.settings.finetune.model_copy(update=few)
    for step in range(1, prune.steps):
        # Lightning takes seconds to import, and without steps nothing is trained here.
        from porting.training.training_loop import recovered

        partial_aim = aim.partial(step / prune.steps)
        try:
            model = surgery.once(model, surgery.policy(partial_aim, prune.round_to))
        except (NothingPrunedError, OutOfReachError):
            # Only the last step raises such an error, as it has the aim of the user.
            continue
        model, _ = recovered(context, model, f"{name}-step-{step}", surgery.whole, tuning)
    if pruned.aim.is_measured:
        return surgery.to_throughput(model, aim.value)
    try:
        return surgery.once(model, surgery.policy(aim, prune.round_to)), None
    except NothingPrunedError:
        if model is start:
            raise
        return model, None


def record(pruned: Pruned, before: int, after: int, accuracy: float, reached: Reached | None) -> Pruning:
    """The record of a cut from `before` to `after` parameters; `accuracy` is that without tuning."""
    return Pruning(
        aim=pruned.aim.kind,
        asked=pruned.aim.value,
        parameters_before=before,
        parameters_after=after,
        achieved_parameter_ratio=1 - after / before,
        validation_accuracy=accuracy,
        images_per_s_before=reached.images_per_s_before if reached else None,
        images_per_s=reached.images_per_s if reached else None,
        tries=reached.tries if reached else 0,
        reasons={} if reached else dict.fromkeys(("images_per_s_before", "images_per_s"), NOT_MEASURED),
    )


def with_batch(context: Context, variant: Variant) -> tuple[nn.Module, torch.Tensor]:
    """The network of a variant, and an input (2, C, H, W)."""
    shape = input_shape(context.workspace.folder(variant))
    return loaded(context, variant), torch.zeros(2, *shape)


def loaded(context: Context, variant: Variant) -> nn.Module:
    """The saved network of a variant."""
    return load_network(network_of(variant), context.workspace.folder(variant), context.settings.backbone)
