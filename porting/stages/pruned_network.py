"""The pruned network of one pruner and one aim: its recipe, its cuts and its record."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

import torch
from pydantic import JsonValue
from torch import nn

from porting.configuration.aims import Aim, Kind
from porting.configuration.components import Component
from porting.jobs.context import Context, section_values, seeded
from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import VariantContent, job_of, recipe_of
from porting.networks.store import input_shape, load_network, save_network
from porting.pruners.interface import NothingPrunedError, Pruner, count_parameters
from porting.pruners.latency_budget import OutOfReachError
from porting.pruners.measured_target import MeasuredTarget
from porting.pruners.surgery import Reached, Surgery
from porting.stages.pruned_variants import achieved, network_of, warn_of_shortfall
from porting.training.batch_norm import validation_accuracy
from porting.workspace.records import Pruning, Variant

PACKAGES = ("torch", "torch-pruning", "nni")
NOT_MEASURED = "its aim is no throughput"


def label(name: str, aim: Aim) -> str:
    """The label of a pruner and an aim in the name of a variant."""
    return f"{name.replace('_', '-')}-{aim.label}"


@dataclass(frozen=True)
class PrunedNetwork:
    """The network of the pruner `name` for an aim, cut from `start`; the aim relates to the unpruned `base`."""

    context: Context
    base: Variant
    start: Variant
    name: str
    aim: Aim

    @classmethod
    def of(cls, context: Context, job: Job) -> Self:
        """The network that a job makes."""
        start, base = context.variant(job.inputs[0]), context.variant(job.inputs[-1])
        settings = recipe_of(job).settings
        aim = Aim(cast("Kind", settings["aim"]), float(cast("float", settings["asked"])))
        return cls(context, base, start, str(job.values["pruner"]), aim)

    @property
    def component(self) -> Component:
        """The pruner of the settings."""
        return self.context.settings.pruners[self.name]

    @property
    def measured_target(self) -> MeasuredTarget | None:
        """The target to measure on, where the widths of any aim depend on measurements."""
        prune = self.context.settings.prune
        measures = prune.round_to is None or any(aim.kind != "ratio" for aim in prune.aims())
        return self.context.once("on target", lambda: MeasuredTarget.of(self.context)) if measures else None

    def job(self) -> Job:
        """The job that makes the network."""
        data, measured_target = self.context.needed_data("prune"), self.measured_target
        ingredients: dict[str, JsonValue] = {
            "pruner": self.component.recipe(), "data": data.recipe, "seed": self.context.settings.seed,
            "base": self.base.key,
        }  # fmt: skip
        if measured_target is not None and self.is_measured:
            ingredients["target"] = measured_target.identity(self.base.key, self.whole)
            if self.aim.is_measured:
                ingredients["throughput"] = measured_target.throughput.recipe()
        recipe = Recipe.of("prune", label(self.name, self.aim), self.start, self.settings(), ingredients, PACKAGES)
        return job_of(self.context, recipe, self.start, self.start.backbone, self.base.name, pruner=self.name)

    def whole(self) -> tuple[nn.Module, torch.Tensor]:
        """The unpruned network, and an input (2, C, H, W)."""
        shape = input_shape(self.context.workspace.folder(self.base))
        return loaded(self.context, self.base), torch.zeros(2, *shape)

    @property
    def is_measured(self) -> bool:
        """Whether the widths depend on measurements."""
        return self.aim.kind != "ratio" or self.context.settings.prune.round_to is None

    def settings(self) -> dict[str, JsonValue]:
        """The settings that decide this network, without the other aims of the run."""
        prune = self.context.settings.prune
        found: dict[str, JsonValue] = {"aim": self.aim.kind, "asked": self.aim.value, "batches": prune.scoring_batches}
        if self.is_measured:
            found |= {"batch": prune.latency_batch, "precision": prune.precision}
        if self.aim.kind == "ratio":
            found["round_to"] = prune.round_to
        if prune.steps > 1:
            tuning = section_values(self.context.settings.finetune)
            found |= {"steps": prune.steps, "step_epochs": prune.step_epochs, "finetune": tuning}
        return found

    def make(self, folder: Path, name: str) -> VariantContent:
        """Cuts the network, and saves it in the folder of the variant `name`."""
        context, data = self.context, self.context.needed_data("prune")
        seeded(context.settings.seed)
        model, whole = (loaded(context, variant) for variant in (self.start, self.base))
        before = count_parameters(whole)
        batches = data.training_images(context.settings.prune.scoring_batches * data.module.batch_size)
        pruner: Pruner = self.component.build()
        surgery = Surgery(self.name, pruner, whole, self.base.key, batches, self.measured_target)
        smaller, reached = self.cut(surgery, model, name)
        accuracy = validation_accuracy(smaller, data)
        network = network_of(self.base)
        shape = input_shape(context.workspace.folder(self.base))
        saved = save_network(smaller, folder, network.backbone, network.num_classes, shape)
        pruning = self.record(before, count_parameters(smaller), accuracy, reached)
        warn_of_shortfall(pruning)
        return VariantContent(
            network=saved, pruning=pruning, chosen={"reached": got} if (got := achieved(pruning)) else {}
        )

    def cut(self, surgery: Surgery, model: nn.Module, name: str) -> tuple[nn.Module, Reached | None]:
        """Cuts in the steps of the settings, with short training between them; a step that cuts nothing is skipped."""
        prune = self.context.settings.prune
        aim, start = surgery.relative(self.aim), model
        few = {"epochs": prune.step_epochs, "patience": prune.step_epochs}
        tuning = self.context.settings.finetune.model_copy(update=few)
        for step in range(1, prune.steps):
            # Lightning takes seconds to import, and without steps nothing is trained here.
            from porting.training.recovery import recovered

            way = aim.on_the_way(step / prune.steps)
            try:
                model = surgery.once(model, surgery.policy(way, prune.round_to))
            except (NothingPrunedError, OutOfReachError):
                # Only the last step raises such an error, as it has the aim of the user.
                continue
            model, _ = recovered(self.context, model, f"{name}-step-{step}", surgery.whole, tuning)
        if self.aim.is_measured:
            return surgery.to_throughput(model, aim.value)
        try:
            return surgery.once(model, surgery.policy(aim, prune.round_to)), None
        except NothingPrunedError:
            if model is start:
                raise
            return model, None

    def record(self, before: int, after: int, accuracy: float, reached: Reached | None) -> Pruning:
        """The record of the pruning."""
        return Pruning(
            aim=self.aim.kind,
            asked=self.aim.value,
            parameters_before=before,
            parameters_after=after,
            achieved_parameter_ratio=1 - after / before,
            validation_accuracy=accuracy,
            images_per_s_before=reached.images_per_s_before if reached else None,
            images_per_s=reached.images_per_s if reached else None,
            tries=reached.tries if reached else 0,
            reasons={} if reached else dict.fromkeys(("images_per_s_before", "images_per_s"), NOT_MEASURED),
        )


def loaded(context: Context, variant: Variant) -> nn.Module:
    """The saved network of a variant."""
    return load_network(network_of(variant), context.workspace.folder(variant), context.settings.backbone)
