"""prune: smaller networks from every trained or imported one, one for each pruner and aim."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue
from torch import nn

from porting.components import Component
from porting.context import Context, Job, section_values, seeded
from porting.derive import Made, Recipe, derive
from porting.networks.store import input_shape, load_network, save_network
from porting.pruners.aims import Aim
from porting.pruners.cutting import Cutting, Reached
from porting.pruners.interface import NothingPruned, Pruner, count_parameters
from porting.pruners.latency_budget import OutOfReach
from porting.pruners.on_target import OnTarget
from porting.records import Network, Pruning, Variant
from porting.stage_table import SOURCES
from porting.training.ranking import validation_accuracy
from profiler.errors import BadInputError

PACKAGES = ("torch", "torch-pruning", "nni")
NOT_MEASURED = "its aim is no throughput"


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One for each base network, pruner and aim; of a family as far as what it starts from is there."""
    settings = context.settings
    bases = [variant for variant in pool if variant.stage in SOURCES and variant.network is not None]
    if bases and not settings.pruners:
        raise BadInputError("stage prune needs a pruner: choose one with pruner=NAME")
    aims = settings.prune.aims()
    measures = settings.prune.round_to is None or any(aim.kind != "ratio" for aim in aims)
    on_target = OnTarget.of(context) if bases and measures else None
    return [
        job
        for base, (name, component) in itertools.product(bases, settings.pruners.items())
        for _, of_kind in itertools.groupby(aims, key=lambda aim: aim.kind)
        for job in one_after_the_other(context, on_target, base, name, component, list(of_kind), pool)
    ]


def one_after_the_other(
    context: Context, on_target: OnTarget | None, base: Variant, name: str, component: Component,
    aims: Sequence[Aim], pool: Sequence[Variant],
) -> Iterator[Job]:  # fmt: skip
    """Aims of one kind; in a family each from the tuned network of the one before, as soon as the pool has it."""
    start = base
    for aim in aims:
        job = Pruned(context, on_target, base, start, name, component, aim).job()
        yield job
        if context.settings.prune.family:
            tuned = [variant for variant in pool if variant.stage == "finetune" and variant.parent == job.makes]
            if not tuned:
                return
            start = tuned[-1]


@dataclass(frozen=True)
class Pruned:
    """The variant of one pruner and aim, from `start` in terms of its unpruned `base`."""

    context: Context
    on_target: OnTarget | None
    base: Variant
    start: Variant
    name: str
    component: Component
    aim: Aim

    def job(self) -> Job:
        data = self.context.needed_data("prune")
        ingredients: dict[str, JsonValue] = {
            "pruner": self.component.recipe(), "data": data.recipe, "seed": self.context.settings.seed,
            "base": self.base.key,
        }  # fmt: skip
        if self.on_target is not None and self.is_measured:
            ingredients["target"] = self.on_target.identity()
        recipe = Recipe(
            stage="prune",
            label=f"{self.name.replace('_', '-')}-{self.aim.label}",
            parent=self.start,
            settings=self.settings(),
            ingredients=ingredients,
            packages=PACKAGES,
        )
        return derive(self.context, recipe, self.make)

    @property
    def is_measured(self) -> bool:
        """Whether the widths hang on what is measured."""
        return self.aim.kind != "ratio" or self.context.settings.prune.round_to is None

    def settings(self) -> dict[str, JsonValue]:
        """Those that decide this variant, whatever else the run aims at."""
        prune = self.context.settings.prune
        found: dict[str, JsonValue] = {"aim": self.aim.kind, "asked": self.aim.value, "batches": prune.batches}
        if self.is_measured:
            found |= {"batch": prune.batch, "precision": prune.precision}
        if self.aim.kind == "ratio":
            found["round_to"] = prune.round_to
        if prune.steps > 1:
            tuning = section_values(self.context.settings.finetune)
            found |= {"steps": prune.steps, "step_epochs": prune.step_epochs, "finetune": tuning}
        return found

    def make(self, folder: Path, name: str) -> Made:
        context, data = self.context, self.context.needed_data("prune")
        seeded(context.settings.seed)
        model, whole = (loaded(context, variant) for variant in (self.start, self.base))
        before = count_parameters(whole)
        batches = data.training_images(context.settings.prune.batches * data.module.batch_size)
        pruner: Pruner = self.component.build()
        cutting = Cutting(self.name, pruner, whole, self.base.key, batches, self.on_target)
        smaller, reached = self.cut(cutting, model, name)
        accuracy = validation_accuracy(smaller, data)
        network = network_of(self.base)
        shape = input_shape(context.workspace.folder(self.base))
        saved = save_network(smaller, folder, network.backbone, network.num_classes, shape)
        return Made(network=saved, pruning=self.record(before, count_parameters(smaller), accuracy, reached))

    def cut(self, cutting: Cutting, model: nn.Module, name: str) -> tuple[nn.Module, Reached | None]:
        """In the steps of the settings, with a little training between two of them; one that cuts nothing is skipped."""
        prune = self.context.settings.prune
        aim, start = cutting.relative(self.aim), model
        few = {"epochs": prune.step_epochs, "patience": prune.step_epochs}
        tuning = self.context.settings.finetune.model_copy(update=few)
        for step in range(1, prune.steps):
            # Lightning takes seconds to import, and without steps nothing is trained here.
            from porting.training.recovery import recovered

            way = aim.on_the_way(step / prune.steps)
            try:
                model = cutting.once(model, cutting.policy(way, prune.round_to))
            except (NothingPruned, OutOfReach):
                # What the user asked for is the last step's to refuse.
                continue
            model, _ = recovered(self.context, model, f"{name}-step-{step}", cutting.whole, tuning)
        if self.aim.is_measured:
            return cutting.to_throughput(model, aim.value)
        try:
            return cutting.once(model, cutting.policy(aim, prune.round_to)), None
        except NothingPruned:
            if model is start:
                raise
            return model, None

    def record(self, before: int, after: int, accuracy: float, reached: Reached | None) -> Pruning:
        return Pruning(
            aim=self.aim.kind,
            asked=self.aim.value,
            parameters_before=before,
            parameters_after=after,
            achieved_parameter_ratio=1 - after / before,
            validation_accuracy=accuracy,
            images_per_s_before=reached and reached.images_per_s_before,
            images_per_s=reached and reached.images_per_s,
            tries=reached.tries if reached else 0,
            reasons={} if reached else dict.fromkeys(("images_per_s_before", "images_per_s"), NOT_MEASURED),
        )


def network_of(variant: Variant) -> Network:
    """Its torch network; raises `BadInputError` where it has none."""
    if variant.network is None:
        raise BadInputError(f"{variant.name} has no torch network to prune: import a checkpoint instead")
    return variant.network


def loaded(context: Context, variant: Variant) -> nn.Module:
    return load_network(network_of(variant), context.workspace.folder(variant))
