"""A job that makes a new variant from a recipe, in a folder that appears whole or not at all."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from porting.jobs.context import Context, Job, versions
from porting.repository.schema import Step
from porting.workspace.records import Epoch, Network, OnnxFile, Pruning, Variant, variant_name
from porting.workspace.workspace import CONFIG
from profiler.common.files import json_digest, write_atomically


@dataclass(frozen=True)
class Recipe:
    """What decides a variant: the stage, the variant before it, the settings and whatever else goes into the key."""

    stage: str
    label: str
    parent: Variant | None
    settings: dict[str, JsonValue]
    ingredients: dict[str, JsonValue]
    packages: tuple[str, ...]

    def key(self) -> str:
        """The hash of all of it, without any path of this machine."""
        return json_digest(
            {
                "stage": self.stage,
                "label": self.label,
                "parent": None if self.parent is None else self.parent.key,
                "settings": self.settings,
                "ingredients": self.ingredients,
                "versions": versions(self.packages),
            }
        )


@dataclass(frozen=True)
class Made:
    """What a stage has put into the folder of a new variant; `chosen` goes on record beside the settings."""

    network: Network | None = None
    onnx: OnnxFile | None = None
    pruning: Pruning | None = None
    history: tuple[Epoch, ...] = ()
    chosen: dict[str, JsonValue] = field(default_factory=dict)


Make = Callable[[Path, str], Made]
UNKNOWN = {
    "parent": "its lineage begins here",
    "labels": "no datamodule names the classes",
    "preprocessing": "no datamodule tells it",
    "network": "no backbone holds its weights",
    "onnx": "it is not exported yet",
    "pruning": "its last step pruned nothing",
}


def derive(context: Context, recipe: Recipe, make: Make, backbone: str | None = None) -> Job:
    """The job for one recipe. `make` fills the folder it is given; the second argument is the variant's name."""
    task, key = context.settings.task, recipe.key()
    parent = recipe.parent
    family = backbone or (parent.backbone if parent else "model")
    lineage = list(parent.lineage) if parent else []
    name = variant_name(task, family, [*(step.label for step in lineage), recipe.label], key)

    def reuse() -> Variant | None:
        found = context.workspace.find(task, name)
        return found if found is not None and found.key == key else None

    def run() -> Variant:
        start = time.monotonic()
        with context.workspace.making(task, name) as folder:
            made = make(folder, name)
            step = Step(
                stage=recipe.stage,
                label=recipe.label,
                key=key,
                settings=recipe.settings | made.chosen,
                versions=versions(recipe.packages),
                seconds=time.monotonic() - start,
            )
            values = described(context, parent) | {"network": made.network, "onnx": made.onnx, "pruning": made.pruning}
            variant = Variant(
                task=task,
                name=name,
                key=key,
                backbone=family,
                lineage=[*lineage, step],
                history=list(made.history),
                reasons={field: UNKNOWN[field] for field, value in values.items() if value is None},
                **values,
            )
            write_atomically(folder / CONFIG, context.config)
            context.workspace.record(variant, folder)
        return variant

    return Job(title=f"{recipe.stage} {name}", reuse=reuse, run=run, makes=name)


def described(context: Context, parent: Variant | None) -> dict[str, Any]:
    """What a variant takes over from its parent, or from the data where it has none."""
    if parent is not None:
        return {"parent": parent.name, "labels": parent.labels, "preprocessing": parent.preprocessing}
    data = context.data
    return {
        "parent": None,
        "labels": data.labels if data else None,
        "preprocessing": data.preprocessing if data else None,
    }
