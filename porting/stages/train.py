"""The stage train: the base network of a task."""

from collections.abc import Sequence

from pydantic import JsonValue

from porting.jobs.context import Context
from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import job_of, reused
from porting.networks.weights_file import weights_file
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
