"""The stage finetune: trains pruned networks with the unpruned network as teacher."""

from collections.abc import Sequence

from porting.configuration.stage_table import SOURCES
from porting.jobs.context import Context
from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import job_of, reused
from porting.stages.pruned_variants import is_beaten
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
            raise BadInputError(f"{variant.parent}, the parent of {variant.name}, is missing: run stage train again")
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
