"""prune: smaller networks from every trained or imported one, one for each pruner and ratio."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from porting.components import Component
from porting.context import Context, Job, section_values, seeded
from porting.derive import Made, Recipe, derive
from porting.networks.store import input_shape, load_network, save_network
from porting.pruners.graph import blame
from porting.pruners.interface import Pruner, Request, check_pruned, count_parameters
from porting.records import Network, Pruning, Variant
from porting.stage_table import SOURCES
from profiler.errors import BadInputError, DnnPortingError

PACKAGES = ("torch", "torch-pruning", "nni")


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One for each base network, pruner and ratio."""
    settings = context.settings
    bases = [variant for variant in pool if variant.stage in SOURCES and variant.network is not None]
    if bases and not settings.pruners:
        raise BadInputError("stage prune needs a pruner: choose one with pruner=NAME")
    return [
        job(context, base, base.network, name, component, ratio)
        for base, (name, component), ratio in itertools.product(bases, settings.pruners.items(), settings.prune.ratios)
        if base.network is not None
    ]


def job(context: Context, base: Variant, network: Network, name: str, component: Component, ratio: float) -> Job:
    """The variant of one base, pruner and ratio."""
    settings, data = context.settings.prune, context.needed_data("prune")

    def make(folder: Path, _: str) -> Made:
        seeded(context.settings.seed)
        source = context.workspace.folder(base)
        model = load_network(network, source)
        batches = data.training_images(settings.batches * data.module.batch_size)
        request = Request(ratio, settings.round_to, batches)
        pruner: Pruner = component.build()
        before = count_parameters(model)
        model = pruned(pruner, model, request, name)
        check_pruned(before, model, request)
        after = count_parameters(model)
        saved = save_network(model, folder, network.backbone, network.num_classes, input_shape(source))
        return Made(
            network=saved,
            pruning=Pruning(
                asked_ratio=ratio,
                parameters_before=before,
                parameters_after=after,
                achieved_parameter_ratio=1 - after / before,
            ),
        )

    values = section_values(settings) | {"ratios": [ratio]}
    recipe = Recipe(
        stage="prune",
        label=f"{name.replace('_', '-')}-{ratio * 100:g}".replace(".", "p"),
        parent=base,
        settings=values,
        ingredients={"pruner": component.recipe(), "data": data.recipe, "seed": context.settings.seed},
        packages=PACKAGES,
    )
    return derive(context, recipe, make)


def pruned(pruner: Pruner, model: nn.Module, request: Request, name: str) -> nn.Module:
    """What the engine makes of the model; raises `BadInputError` that names both where it fails."""
    try:
        return pruner.prune(model, request)
    except DnnPortingError:
        raise
    except Exception as error:
        # Engines walk through a network that is not theirs and fail with whatever they stumble over.
        raise BadInputError(
            f"pruner {name} cannot prune {type(model).__name__} ({blame(model, error)}): take another"
        ) from error
