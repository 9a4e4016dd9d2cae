"""finetune: gives a pruned network its accuracy back, taught by the network that it was cut from."""

from collections.abc import Sequence
from pathlib import Path

from porting.context import Context, Job, section_values, seeded
from porting.derive import Made, Recipe, derive
from porting.networks.store import input_shape, load_network, save_network
from porting.records import Network, Variant
from porting.training.batch_norm import reestimate_statistics
from porting.training.fit import fit
from porting.training.teacher import Teacher
from profiler.errors import BadInputError

PACKAGES = ("torch", "torchvision", "lightning")
LABEL = "tuned"


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One for each pruned network."""
    return [
        job(context, variant, variant.network, teacher_of(variant, pool))
        for variant in pool
        if variant.stage == "prune" and variant.network is not None
    ]


def teacher_of(variant: Variant, pool: Sequence[Variant]) -> Variant:
    """The network that a pruned one was cut from; raises `BadInputError` where it is gone."""
    for candidate in pool:
        if candidate.name == variant.parent:
            return candidate
    raise BadInputError(f"{variant.parent}, from which {variant.name} was cut, is gone: run stage train again")


def job(context: Context, variant: Variant, network: Network, base: Variant) -> Job:
    """The tuned sibling of one pruned network."""
    settings, data = context.settings.finetune, context.needed_data("finetune")

    def make(folder: Path, name: str) -> Made:
        seeded(context.settings.seed)
        source = context.workspace.folder(variant)
        model = load_network(network, source)
        reestimate_statistics(model, data.batches("train"))
        model, history = fit(context, model, name, data, settings, teacher(context, base))
        saved = save_network(model, folder, network.backbone, network.num_classes, input_shape(source))
        return Made(network=saved, history=tuple(history))

    recipe = Recipe(
        stage="finetune",
        label=LABEL,
        parent=variant,
        settings=section_values(settings),
        ingredients={"data": data.recipe, "seed": context.settings.seed},
        packages=PACKAGES,
    )
    return derive(context, recipe, make)


def teacher(context: Context, base: Variant) -> Teacher | None:
    """The base network as teacher, where distillation is on."""
    settings = context.settings.finetune
    if not settings.distill or base.network is None:
        return None
    model = load_network(base.network, context.workspace.folder(base))
    return Teacher(model, settings.distill_weight, settings.temperature, settings.attention_weight)
