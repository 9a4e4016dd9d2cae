"""The work of the stage finetune: tunes a pruned network."""

from pathlib import Path

from pydantic import JsonValue

from porting.jobs.context import Context
from porting.jobs.job import Job
from porting.jobs.new_variant import VariantContent, make_variant
from porting.networks.store import input_shape, load_network, save_network
from porting.stages.pruned_variants import competitors, network_of
from porting.training.streams import seeded
from porting.training.training_loop import recovered
from porting.workspace.choices import COMPARED
from porting.workspace.records import Variant


def run(context: Context, job: Job) -> Variant:
    """The tuned network as a new variant."""
    variant, base = context.variant(job.inputs[0]), context.variant(job.inputs[-1])

    def make(folder: Path, name: str) -> VariantContent:
        seeded(context.settings.seed)
        source, own, network = context.workspace.folder(variant), context.settings.backbone, network_of(variant)
        model = load_network(network, source, own)
        whole = load_network(base.network or network, context.workspace.folder(base), own)
        model, history = recovered(context, model, name, whole, context.settings.finetune)
        saved = save_network(model, folder, network.backbone, network.num_classes, input_shape(source))
        return VariantContent(network=saved, history=tuple(history), chosen=compared(context, variant))

    return make_variant(context, job, make)


def compared(context: Context, variant: Variant) -> dict[str, JsonValue]:
    """The number of pruned networks of which the variant was the most accurate, where that decided its tuning."""
    if variant.pruning is None or not context.settings.finetune.only_best:
        return {}
    return {COMPARED: len(competitors(variant, context.workspace.variants(context.settings.task)))}
