"""The stage finetune: trains pruned networks with the unpruned network as teacher."""

from collections.abc import Sequence
from pathlib import Path

from porting.configuration.stage_table import SOURCES
from porting.jobs.context import Context, seeded
from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import VariantContent, job_of, make_variant, reused
from porting.networks.store import input_shape, load_network, save_network
from porting.stages.pruned_variants import is_beaten, network_of
from porting.training.recovery import recovered
from porting.workspace.records import Variant
from profiler.common.errors import BadInputError

PACKAGES = ("torch", "torchvision", "lightning")
LABEL = "tuned"


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One job for each selected pruned network, and with `unpruned_too` for each unpruned one."""
    settings = context.settings.finetune
    stages = ("prune", *SOURCES) if settings.unpruned_too else ("prune",)
    selected = [
        variant for variant in pool if variant.stage in stages and not (settings.only_best and is_beaten(variant, pool))
    ]
    return [job(context, one, root_of(one, pool)) for one in selected if one.network is not None]


def root_of(variant: Variant, pool: Sequence[Variant]) -> Variant:
    """The unpruned ancestor of a variant; raises `BadInputError` where it is missing."""
    by_name = {candidate.name: candidate for candidate in pool}
    while variant.stage not in SOURCES:
        parent = by_name.get(variant.parent or "")
        if parent is None:
            raise BadInputError(f"{variant.parent}, from which {variant.name} was cut, is gone: run stage train again")
        variant = parent
    return variant


def job(context: Context, variant: Variant, base: Variant) -> Job:
    """The job that tunes one network with `base` as the teacher."""
    settings, data = context.settings.finetune, context.needed_data("finetune")
    recipe = Recipe.of(
        "finetune",
        LABEL,
        variant,
        settings.model_dump(mode="json", exclude={"only_best", "unpruned_too"}),
        {"data": data.recipe, "seed": context.settings.seed, "teacher": base.key},
        PACKAGES,
    )
    return job_of(context, recipe, variant, variant.backbone, base.name)


reuse = reused


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
        return VariantContent(network=saved, history=tuple(history))

    return make_variant(context, job, make)
