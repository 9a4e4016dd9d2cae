"""train: the base network of a task."""

from collections.abc import Sequence
from pathlib import Path

from porting.context import Context, Job, section_values, seeded
from porting.derive import Made, Recipe, derive
from porting.networks.store import build_backbone, save_network
from porting.records import Variant
from porting.training.fit import fit

PACKAGES = ("torch", "torchvision", "lightning")


def jobs(context: Context, _: Sequence[Variant]) -> list[Job]:
    """One: the backbone of the settings, trained on their data."""
    settings, data = context.settings, context.needed_data("train")
    backbone = settings.backbone

    def make(folder: Path, name: str) -> Made:
        seeded(settings.seed)
        shape, classes = data.input_shape, len(data.labels)
        model = build_backbone(backbone, shape[0], classes)
        model, history = fit(context, model, name, data, settings.train, teacher=None)
        return Made(network=save_network(model, folder, backbone, classes, shape), history=tuple(history))

    recipe = Recipe(
        stage="train",
        label="",
        parent=None,
        settings=section_values(settings.train),
        ingredients={"backbone": backbone.recipe(), "data": data.recipe, "seed": settings.seed},
        packages=PACKAGES,
    )
    return [derive(context, recipe, make, backbone=backbone.name)]
