"""The work of the stage train: trains the base network of a task."""

from pathlib import Path

from porting.jobs.context import Context
from porting.jobs.job import Job
from porting.jobs.new_variant import VariantContent, make_variant, recipe_of
from porting.networks.foreign import load_initial_weights
from porting.networks.store import build_backbone, save_network
from porting.networks.weights_file import weights_file
from porting.training.streams import seeded
from porting.training.training_loop import fit
from porting.workspace.records import Variant


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
