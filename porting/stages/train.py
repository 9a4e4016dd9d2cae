"""train: the base network of a task."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from porting.jobs.context import Context, Job, seeded
from porting.jobs.recipe import Made, Recipe, derive
from porting.networks.foreign import load_initial_weights
from porting.networks.store import build_backbone, save_network
from porting.networks.weights import weights_file
from porting.training.fit import fit
from porting.workspace.records import Variant
from profiler.common.files import sha256

PACKAGES = ("torch", "torchvision", "lightning")


def jobs(context: Context, _: Sequence[Variant]) -> list[Job]:
    """One: the backbone of the settings, trained on their data."""
    settings, data = context.settings, context.needed_data("train")
    backbone, named = settings.backbone, settings.train.weights
    weights = None if named is None else weights_file("train.weights", named)

    def make(folder: Path, name: str) -> Made:
        seeded(settings.seed)
        shape, classes = data.input_shape, len(data.labels)
        model = build_backbone(backbone, shape[0], classes)
        if weights is not None:
            load_initial_weights(weights, model, str(ingredients["weights"]))
        model, history = fit(context, model, name, data, settings.train, teacher=None)
        return Made(network=save_network(model, folder, backbone, classes, shape), history=tuple(history))

    ingredients: dict[str, JsonValue] = {"backbone": backbone.recipe(), "data": data.recipe, "seed": settings.seed}
    if weights is not None:
        ingredients["weights"] = sha256(weights)
    recipe = Recipe(
        stage="train",
        label="",
        parent=None,
        settings=settings.train.model_dump(mode="json", exclude={"weights"}),
        ingredients=ingredients,
        packages=PACKAGES,
    )
    return [derive(context, recipe, make, backbone=backbone.name)]
