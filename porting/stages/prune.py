"""The stage prune: a smaller network for each trained or imported one, each pruner and each aim."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

from pydantic import JsonValue

from porting.common.console import say
from porting.configuration.aims import Aim, Kind
from porting.configuration.components import Component
from porting.configuration.stage_table import SOURCES
from porting.jobs.context import Context
from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import job_of, recipe_of, reused
from porting.stages.finetune import job as tuning
from porting.stages.pruned_variants import best_competitor, warn_of_shortfall
from porting.workspace.records import Variant
from profiler.common.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from porting.pruners.measured_target import MeasuredTarget

PACKAGES = ("torch", "torch-pruning", "nni")


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One job for each base network, aim and pruner; progressive ones wait until their start is in the pool."""
    settings = context.settings
    bases = [variant for variant in pool if variant.stage in SOURCES and variant.network is not None]
    if bases and not settings.pruners:
        raise BadInputError("stage prune needs a pruner: choose one with pruner=NAME")
    return [
        job
        for base in bases
        for _, of_kind in itertools.groupby(settings.prune.aims(), key=lambda aim: aim.kind)
        for job in successive_jobs(context, base, list(of_kind), pool)
    ]


def successive_jobs(
    context: Context, base: Variant, aims: Sequence[Aim], pool: Sequence[Variant]
) -> Iterator[Job]:  # fmt: skip
    """The jobs for aims of one kind; progressive ones start from the tuned network of the previous aim."""
    starts = dict.fromkeys(context.settings.pruners, base)
    for place, aim in enumerate(aims):
        jobs = {name: Pruned(context, base, start, name, aim).job() for name, start in starts.items()}
        yield from jobs.values()
        if context.settings.prune.progressive:
            starts = next_starts(context, base, jobs, pool)
            waiting = [label(name, later) for name in jobs if name not in starts for later in aims[place + 1 :]]
            if waiting and "finetune" not in context.settings.stages():
                say(
                    f"prune     {', '.join(waiting)} wait for stage finetune, as prune.progressive=true starts each "
                    "aim from the tuned network of the aim before: run stage=[prune,finetune]"
                )


def next_starts(
    context: Context, base: Variant, jobs: dict[str, Job], pool: Sequence[Variant]
) -> dict[str, Variant]:  # fmt: skip
    """The tuned network from which the next aim of each pruner starts, where the pool has it.

    It is the pruner's own one, or, where only the best is tuned, that of the best competitor.
    """
    by_name = {variant.name: variant for variant in pool}
    pruned = {name: by_name[job.variant] for name, job in jobs.items() if job.variant in by_name}
    if context.settings.finetune.only_best:
        if len(pruned) < len(jobs):
            return {}
        pruned = {name: best_competitor(one, pool) for name, one in pruned.items()}
    found = {name: tuning(context, one, base).variant for name, one in pruned.items()}
    return {name: by_name[tuned] for name, tuned in found.items() if tuned in by_name}


def reuse(context: Context, job: Job) -> Variant | None:
    """The pruned network of the same recipe; prints again where its throughput was not met."""
    found = reused(context, job)
    if found is not None and found.pruning is not None:
        warn_of_shortfall(found.pruning)
    return found


def label(name: str, aim: Aim) -> str:
    """The label of a pruner and an aim in the name of a variant."""
    return f"{name.replace('_', '-')}-{aim.label}"


@dataclass(frozen=True)
class Pruned:
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
    def measured_target(self) -> "MeasuredTarget | None":
        """The target to measure on, where the widths of any aim depend on measurements."""
        if not self.context.settings.prune.is_measured:
            return None
        # This import loads torch, and ratios with given widths are not measured.
        from porting.pruners.measured_target import MeasuredTarget

        return self.context.once("measured target", lambda: MeasuredTarget.of(self.context))

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

    def whole(self) -> "tuple[nn.Module, Tensor]":
        """The unpruned network, and an input (2, C, H, W)."""
        from porting.stages.prune_work import with_batch

        return with_batch(self.context, self.base)

    @property
    def is_measured(self) -> bool:
        """Whether the widths depend on measurements."""
        return self.aim.kind != "ratio" or self.context.settings.prune.round_to is None

    def settings(self) -> dict[str, JsonValue]:
        """The settings that decide this network, without the other aims of the run."""
        prune = self.context.settings.prune
        found: dict[str, JsonValue] = {"aim": self.aim.kind, "asked": self.aim.value, "batches": prune.scoring_batches}
        if self.is_measured:
            found |= {"batch": prune.batch, "precision": prune.precision}
        if self.aim.kind == "ratio":
            found["round_to"] = prune.round_to
        if prune.steps > 1:
            tuning = self.context.settings.finetune.model_dump(mode="json")
            found |= {"steps": prune.steps, "step_epochs": prune.step_epochs, "finetune": tuning}
        return found
