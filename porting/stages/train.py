"""The stage train: the base network of a task."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from porting.jobs.context import Context, seeded
from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import VariantContent, job_of, make_variant, recipe_of, reused
from porting.networks.foreign import load_initial_weights
from porting.networks.store import build_backbone, save_network
from porting.networks.weights import weights_file
from porting.training.fit import fit
from porting.workspace.records import Variant
from profiler.common.files import sha256

PACKAGES = ("torch", "torchvision", "lightning")


def jobs(context: Context, _: Sequence[Variant]) -> list[Job]:
    """One job: the backbone of the settings, trained on their data."""
    settings, data = context.settings, context.needed_data("train")
    ingredients: dict[str, JsonValue] = {
        "backbone": settings.backbone.recipe(),
        "data": data.recipe,
        "seed": settings.seed,
    }
    if settings.train.weights is not None:
        ingredients["weights"] = sha256(weights_file("train.weights", settings.train.weights))
    recipe = Recipe.of(
        "train", "", None, settings.train.model_dump(mode="json", exclude={"weights"}), ingredients, PACKAGES
    )
    return [job_of(context, recipe, None, settings.backbone.name)]


reuse = reused


def run(context: Context, job: Job) -> Variant:
    """The trained network as a new variant."""
    settings, data = context.settings, context.needed_data("train")

    def make(folder: Path, name: str) -> VariantContent:
        seeded(settings.seed)
        shape, classes = data.input_shape, len(data.labels)
        model = build_backbone(settings.backbone, shape[0], classes)
        if settings.train.weights is not None:
            weights = weights_file("train.weights", settings.train.weights)
            load_initial_weights(weights, model, str(recipe_of(job).ingredients["weights"]))
        model, history = fit(context, model, name, data, settings.train, teacher=None)
        return VariantContent(
            network=save_network(model, folder, settings.backbone, classes, shape), history=tuple(history)
        )

    return make_variant(context, job, make)
