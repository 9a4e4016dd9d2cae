"""prune: smaller networks from every trained or imported one, one for each pruner and aim."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from pydantic import JsonValue
from torch import nn

from porting.components import Component
from porting.console import say
from porting.context import Context, Job, section_values, seeded
from porting.derive import Made, Recipe, derive
from porting.networks.store import input_shape, load_network, save_network
from porting.pruned import achieved, best_rival, shortfall
from porting.pruners.aims import Aim
from porting.pruners.cutting import Cutting, Reached
from porting.pruners.interface import NothingPrunedError, Pruner, count_parameters
from porting.pruners.latency_budget import OutOfReachError
from porting.pruners.on_target import OnTarget
from porting.records import Network, Pruning, Variant
from porting.stage_table import SOURCES
from porting.training.ranking import validation_accuracy
from profiler.common.errors import BadInputError

PACKAGES = ("torch", "torch-pruning", "nni")
NOT_MEASURED = "its aim is no throughput"


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One for each base network, aim and pruner; of a family as far as what it starts from is there."""
    settings = context.settings
    bases = [variant for variant in pool if variant.stage in SOURCES and variant.network is not None]
    if bases and not settings.pruners:
        raise BadInputError("stage prune needs a pruner: choose one with pruner=NAME")
    aims = settings.prune.aims()
    measures = settings.prune.round_to is None or any(aim.kind != "ratio" for aim in aims)
    on_target = OnTarget.of(context) if bases and measures else None
    return [
        job
        for base in bases
        for _, of_kind in itertools.groupby(aims, key=lambda aim: aim.kind)
        for job in one_after_the_other(context, on_target, base, list(of_kind), pool)
    ]


def one_after_the_other(
    context: Context, on_target: OnTarget | None, base: Variant, aims: Sequence[Aim], pool: Sequence[Variant]
) -> Iterator[Job]:
    """Aims of one kind; in a family each from a tuned network of the one before, as soon as the pool has it."""
    pruners = context.settings.pruners
    starts = dict.fromkeys(pruners, base)
    for place, aim in enumerate(aims):
        jobs = {
            name: Pruned(context, on_target, base, start, name, pruners[name], aim).job()
            for name, start in starts.items()
        }
        yield from jobs.values()
        if context.settings.prune.family:
            starts = next_starts(context, base, jobs, pool)
            waiting = [label(name, later) for name in jobs if name not in starts for later in aims[place + 1 :]]
            if waiting and "finetune" not in context.settings.stages():
                say(
                    f"prune     {', '.join(waiting)} wait for stage finetune, as prune.family=true starts each aim "
                    "from the tuned network before it: run stage=[prune,finetune]"
                )


def next_starts(
    context: Context, base: Variant, jobs: dict[str, Job], pool: Sequence[Variant]
) -> dict[str, Variant]:  # fmt: skip
    """The tuned network that each pruner's next aim starts from, where it is there already.

    Its own, or where only the best is tuned the best one's, so that each aim has its own contest.
    """
    # Lightning takes seconds to import, and only a family asks for what was tuned.
    from porting.stages.finetune import job as tuning

    by_name = {variant.name: variant for variant in pool}
    pruned = {name: by_name[job.makes] for name, job in jobs.items() if job.makes in by_name}
    if context.settings.finetune.only_best:
        if len(pruned) < len(jobs):
            return {}
        pruned = {name: best_rival(one, pool) for name, one in pruned.items()}
    found = {name: tuning(context, one, network_of(one), base).makes for name, one in pruned.items()}
    return {name: by_name[tuned] for name, tuned in found.items() if tuned in by_name}


def label(name: str, aim: Aim) -> str:
    """How a variant's name tells the pruner and the aim."""
    return f"{name.replace('_', '-')}-{aim.label}"


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
            ingredients["target"] = self.on_target.identity(self.base.key, self.whole)
            if self.aim.is_measured:
                ingredients["throughput"] = self.on_target.throughput.recipe()
        recipe = Recipe(
            stage="prune",
            label=label(self.name, self.aim),
            parent=self.start,
            settings=self.settings(),
            ingredients=ingredients,
            packages=PACKAGES,
        )
        job = derive(self.context, recipe, self.make)

        def reuse() -> Variant | None:
            found = job.reuse()
            if found is not None and found.pruning is not None:
                tell(found.pruning)
            return found

        return replace(job, reuse=reuse)

    def whole(self) -> tuple[nn.Module, torch.Tensor]:
        """The unpruned network, and a batch as it takes them."""
        shape = input_shape(self.context.workspace.folder(self.base))
        return loaded(self.context, self.base), torch.zeros(2, *shape)

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
        pruning = self.record(before, count_parameters(smaller), accuracy, reached)
        tell(pruning)
        return Made(network=saved, pruning=pruning, chosen={"reached": got} if (got := achieved(pruning)) else {})

    def cut(self, cutting: Cutting, model: nn.Module, name: str) -> tuple[nn.Module, Reached | None]:
        """In the steps of the settings, with a little training between two; one that cuts nothing is skipped."""
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
            except (NothingPrunedError, OutOfReachError):
                # What the user asked for is the last step's to refuse.
                continue
            model, _ = recovered(self.context, model, f"{name}-step-{step}", cutting.whole, tuning)
        if self.aim.is_measured:
            return cutting.to_throughput(model, aim.value)
        try:
            return cutting.once(model, cutting.policy(aim, prune.round_to)), None
        except NothingPrunedError:
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
            images_per_s_before=reached.images_per_s_before if reached else None,
            images_per_s=reached.images_per_s if reached else None,
            tries=reached.tries if reached else 0,
            reasons={} if reached else dict.fromkeys(("images_per_s_before", "images_per_s"), NOT_MEASURED),
        )


def tell(pruning: Pruning) -> None:
    """Says where a throughput was not met."""
    if (text := shortfall(pruning)) is not None:
        say(f"prune     {text}")


def network_of(variant: Variant) -> Network:
    """Its torch network; raises `BadInputError` where it has none."""
    if variant.network is None:
        raise BadInputError(f"{variant.name} has no torch network to prune: import a checkpoint instead")
    return variant.network


def loaded(context: Context, variant: Variant) -> nn.Module:
    return load_network(network_of(variant), context.workspace.folder(variant), context.settings.backbone)
