"""Jobs that make a new variant from a recipe, in a folder that appears complete or not at all."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from porting.jobs.context import Context
from porting.jobs.job import Job, Recipe
from porting.repository.schema import Step
from porting.workspace.records import Epoch, Network, OnnxFile, Pruning, Variant, variant_name
from porting.workspace.workspace import CONFIG
from profiler.common.files import write_atomically


@dataclass(frozen=True)
class VariantContent:
    """The content of the folder of a new variant; `chosen` is recorded with the settings."""

    network: Network | None = None
    onnx: OnnxFile | None = None
    pruning: Pruning | None = None
    history: tuple[Epoch, ...] = ()
    chosen: dict[str, JsonValue] = field(default_factory=dict)


Make = Callable[[Path, str], VariantContent]
UNKNOWN = {
    "parent": "its lineage begins here",
    "labels": "no datamodule names the classes",
    "preprocessing": "no datamodule gives it",
    "network": "no backbone holds its weights",
    "onnx": "it is not exported yet",
    "pruning": "its last step pruned nothing",
}


def job_of(
    context: Context, recipe: Recipe, parent: Variant | None, backbone: str, *inputs: str, **values: JsonValue
) -> Job:
    """The job for one recipe.

    `backbone` is the name of the backbone, `inputs` are the further variants that the job reads, and
    `values` distinguish it from other jobs.
    """
    labels = [*(parent.technique if parent else []), recipe.label]
    return Job(
        stage=recipe.stage,
        variant=variant_name(context.settings.task, backbone, labels, recipe.key()),
        inputs=list(dict.fromkeys([*([parent.name] if parent else []), *inputs])),
        recipe=recipe,
        values={"backbone": backbone, **values},
    )


def recipe_of(job: Job) -> Recipe:
    """The recipe of a job; raises `ValueError` where it has none."""
    if job.recipe is None:
        raise ValueError(f"{job.title} has no recipe")
    return job.recipe


def reused(context: Context, job: Job) -> Variant | None:
    """The variant of the same recipe where it exists and its files are unchanged, else `None`."""
    found = context.workspace.find(context.settings.task, job.variant)
    return found if found is not None and found.key == recipe_of(job).key() else None


def make_variant(context: Context, job: Job, make: Make) -> Variant:
    """Makes and records a new variant; `make` gets its folder and its name, and fills the folder."""
    recipe, start = recipe_of(job), time.monotonic()
    parent = None if recipe.parent is None else context.variant(recipe.parent)
    with context.workspace.making(context.settings.task, job.variant) as folder:
        made = make(folder, job.variant)
        variant = variant_record(context, job, recipe, parent, made, time.monotonic() - start)
        write_atomically(folder / CONFIG, context.config)
        context.workspace.record(variant, folder)
    return variant


def variant_record(
    context: Context, job: Job, recipe: Recipe, parent: Variant | None, made: VariantContent, seconds: float
) -> Variant:
    """The record of a new variant, with the labels and the preprocessing of its parent, or else of the data."""
    step = Step(
        stage=recipe.stage,
        label=recipe.label,
        key=recipe.key(),
        settings=recipe.settings | made.chosen,
        versions=recipe.versions,
        seconds=seconds,
    )
    source = parent or context.data
    values: dict[str, Any] = {
        "parent": parent.name if parent else None,
        "labels": source.labels if source else None,
        "preprocessing": source.preprocessing if source else None,
        "network": made.network,
        "onnx": made.onnx,
        "pruning": made.pruning,
    }
    return Variant(
        task=context.settings.task,
        name=job.variant,
        key=recipe.key(),
        backbone=str(job.values["backbone"]),
        lineage=[*(parent.lineage if parent else []), step],
        history=list(made.history),
        reasons={name: UNKNOWN[name] for name, value in values.items() if value is None},
        **values,
    )
