"""The stage profile: measures every exported variant on every target, one at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from porting.jobs.context import Context, built_target
from porting.jobs.job import Job
from porting.repository.figures import figures
from porting.repository.standing import Candidate, surpassed
from porting.stages.servable import servable, why_not
from porting.workspace.records import OnnxFile, Variant
from porting.workspace.workspace import ONNX
from profiler.common.errors import BadInputError
from profiler.common.profile_settings import LevelSettings
from profiler.common.target import Target
from profiler.records.profile import Profile
from profiler.records.profile_files import ProfileFiles
from profiler.target.co_runner import CoRunner
from profiler.target.identity import profile_key


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One job for each target, level, round and served variant; the screening level of all variants comes first.

    A run measures in rounds, and each round visits every variant, so the visits to one variant lie apart.
    """
    if not context.settings.targets:
        raise BadInputError("stage profile needs a target: choose one with target=NAME")
    targets = {name: built_target(component) for name, component in context.settings.targets.items()}
    served = servable(targets, pool)
    return [
        Job(
            stage="profile",
            variant=variant.name,
            inputs=[variant.name],
            values={"target": name, "level": level.level, "visit": visit},
            budget_s=level.visit_budget_s(visit),
        )
        for name in targets
        for level in levels(context)
        for visit in range(1, level.rounds() + 1)
        for variant, _ in served[name]
    ]


def levels(context: Context) -> list[LevelSettings]:
    """The level of the settings, after the screening level where there is one."""
    level = context.settings.profile
    return [level] if level.screen_with is None else [level.screen_with, level]


def reuse(context: Context, job: Job) -> Variant | None:
    """The variant where nothing is left to measure, or where the screening level shows that it is dominated."""
    return Profiled.of(context, job).reuse()


@dataclass(frozen=True)
class Profiled:
    """One visit to a variant on one target at one level."""

    context: Context
    name: str
    target: Target
    level: LevelSettings
    visit: int
    variant: Variant
    file: OnnxFile

    @classmethod
    def of(cls, context: Context, job: Job) -> Self:
        """The measurement of a job; raises `BadInputError` where the variant has no ONNX file."""
        name, variant = str(job.values["target"]), context.variant(job.variant)
        visit = int(str(job.values["visit"]))
        (level,) = (one for one in levels(context) if one.level == job.values["level"])
        if variant.onnx is None:
            raise BadInputError(f"{variant.name} has no ONNX file: run stage=export first")
        return cls(context, name, built_target(context.settings.targets[name]), level, visit, variant, variant.onnx)

    def files(self) -> ProfileFiles:
        """The files of the profile."""
        return self.context.workspace.profile_files(self.variant, self.name)

    def co_runner(self) -> CoRunner | None:
        """The variant beside which contention is measured: the first other one of the task that the target serves."""
        workspace = self.context.workspace
        for other in workspace.variants(self.variant.task):
            if other.name != self.variant.name and other.onnx is not None and not why_not(self.target, other.onnx):
                workspace.check_files(other)
                return CoRunner(other.name, workspace.folder(other) / ONNX)
        return None

    def found(self) -> Profile | None:
        """The profile of this file on this target, at any level, or `None`."""
        profile = self.context.workspace.profiles(self.variant).get(self.name)
        key = profile_key(self.file.sha256, self.target, self.file.program_sha256)
        return profile if profile is not None and profile.key == key else None

    def reuse(self) -> Variant | None:
        """The variant where nothing is left to measure, or where it is dominated."""
        found = self.found()
        if found is None:
            return None
        self.context.workspace.check_files(self.variant)
        covered = found.covers(self.level, self.visit) or (self.level.level == "quick" and found.level == "full")
        done = covered and found.target.model_dump() == self.target.model_dump()
        return self.variant if done or self.is_dominated() else None

    def is_dominated(self) -> bool:
        """Whether the screening level shows that another variant of this task dominates it."""
        if self.level.screen_with is None:
            return False
        own, candidates = self.file.validation_accuracy, []
        for other in self.context.workspace.variants(self.variant.task):
            profile = self.context.workspace.profiles(other).get(self.name)
            accuracy = other.onnx.validation_accuracy if other.onnx else None
            if profile is not None and accuracy and own and accuracy.dataset_sha256 == own.dataset_sha256:
                known, _ = figures(accuracy, profile, other.onnx.flags if other.onnx else None)
                candidates.append(Candidate(other.name, accuracy, known))
        return self.variant.name in surpassed(candidates)
