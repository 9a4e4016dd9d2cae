"""The pipeline of a run: the stages in order, the jobs of each, and the repository at the end."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import cast

from porting.common.console import progress, say
from porting.configuration.settings import Settings
from porting.configuration.stage_table import SOURCES, STAGES, Stage, row_of
from porting.jobs.coming_targets import check_targets
from porting.jobs.context import Context, OnEpoch, needs_the_extra
from porting.jobs.job import Job, StageModule, WorkModule
from porting.repository import Repository
from porting.tracking.deferred import tracked
from porting.tracking.runs import prepared
from porting.workspace.data import Data
from porting.workspace.records import Variant
from porting.workspace.workspace import Workspace
from profiler.common.errors import BadInputError


@dataclass(frozen=True)
class Outcome:
    """The variants of a run, and the repository where it was published."""

    variants: list[Variant]
    repository: Repository | None


def run(settings: Settings, config: str) -> Outcome:
    """Runs the stages of the settings, whose YAML is `config`; complete work stays where a later stage fails.

    The targets are checked before the first new work.
    """
    workspace = Workspace(settings.workspace)
    with ExitStack() as stack:
        stack.enter_context(workspace.writing(settings.task))
        tracker = stack.enter_context(tracked(settings, config))
        walk = Walk(settings, config, tracker.epoch)
        check_once = cache(lambda: check_targets(settings))

        def begin() -> None:
            # A run that reuses everything needs no target.
            check_once()
            tracker.begin()

        for step in walk.steps():
            walk.keep(done(step, begin))
        if walk.data is not None:
            walk.data.keep_digest()
        for variant in walk.pool.values():
            if variant.stage != "prune" or variant.onnx is not None:
                tracker.variant(variant, workspace.profiles(variant), workspace.folder(variant))
        repository = None
        if "publish" in settings.stages():
            repository = published(settings, workspace)
            tracker.repository(repository.storage.local)
    return Outcome(list(walk.pool.values()), repository)


def module_of(stage: str) -> StageModule:
    """The module of a stage that lists its jobs and finds the finished ones."""
    return cast("StageModule", imported(stage, ""))


def imported(stage: str, ending: str) -> ModuleType:
    """A module of a stage; raises `BadInputError` where the plain install lacks what it imports."""
    try:
        return importlib.import_module(f"porting.stages.{row_of(stage).module}{ending}")
    except ModuleNotFoundError as error:
        raise needs_the_extra(f"stage {stage}", error) from error


@dataclass(frozen=True)
class Step:
    """One stage with its jobs on the present pool; `context` is open while they run."""

    stage: Stage
    jobs: list[Job]
    context: Context


@dataclass
class Walk:
    """The stages of a run in order, over a growing pool of variants.

    The caller passes the variants of each step to `keep` before the next step: the runner does the jobs, and the dry
    run looks for existing variants. Publication concerns all tasks and is no step.
    """

    settings: Settings
    config: str = ""
    on_epoch: OnEpoch = lambda *_: None
    pool: dict[str, Variant] = field(default_factory=dict)
    _offered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._workspace = Workspace(self.settings.workspace)
        module = self.settings.datamodule
        self.data = None if module is None else Data(module, self._workspace.root)

    def steps(self) -> Iterator[Step]:
        """Yields every stage but publish; a run without a source starts with the variants of the workspace."""
        names = self.settings.stages()
        if names[0] not in SOURCES:
            self.keep(self._workspace.variants(self.settings.task))
        wanted = [stage for stage in STAGES if stage.name in names and stage.name != "publish"]
        for stage in wanted:
            if stage.needs_data and self.data is None and self.settings.everything:
                say(f"{stage.name:<9} skipped: it needs data, and datamodule=none")
                continue
            yield from self._step(stage)
            for earlier in (one for one in wanted if one.name == stage.feeds):
                while self._has_more(earlier):
                    yield from self._step(earlier)
                    yield from self._step(stage)

    def keep(self, variants: list[Variant]) -> None:
        """Adds variants to the pool, or replaces those of the same names."""
        self.pool.update({variant.name: variant for variant in variants})

    def context(self, stack: ExitStack) -> Context:
        """The context of the jobs of one stage, whose resources are closed with the stack."""
        return Context(self.settings, self._workspace, self.config, self.data, self.on_epoch, stack)

    def _step(self, stage: Stage) -> Iterator[Step]:
        with ExitStack() as stack:
            context = self.context(stack)
            jobs = module_of(stage.name).jobs(context, list(self.pool.values()))
            self._offered.update(job.variant for job in jobs)
            yield Step(stage, jobs, context)

    def _has_more(self, stage: Stage) -> bool:
        """Whether the stage has jobs for new variants after the pool has grown."""
        with ExitStack() as stack:
            jobs = module_of(stage.name).jobs(self.context(stack), list(self.pool.values()))
        return any(job.recipe is not None and job.variant not in self._offered for job in jobs)


def done(step: Step, begin: Callable[[], None] = lambda: None) -> list[Variant]:
    """Does the jobs of a step and returns their variants; `begin` is called before new work.

    Raises `BadInputError` for a stage that lacks its inputs.
    """
    settings, stage = step.context.settings, step.stage
    is_first = stage.name == settings.stages()[0]
    if not step.jobs and (is_first or not settings.everything):
        raise BadInputError(
            f"stage {stage.name} needs {stage.needs}, and {settings.workspace} has none for task "
            f"{settings.task}: run stage={stage.before} first"
        )
    found, made = [], set[str]()
    with progress(stage.name, len(step.jobs)) as advance:
        for job in step.jobs:
            variant, is_new = do(step.context, job, begin)
            found.append(variant)
            made |= {variant.name} if is_new else set()
            advance(job.title)
    # A variant that is visited several times is one variant.
    reused = {variant.name for variant in found} - made
    say(f"{stage.name:<9} {f'{len(made)} made, {len(reused)} reused' if found else 'nothing to do'}")
    return found


def do(context: Context, job: Job, begin: Callable[[], None] = lambda: None) -> tuple[Variant, bool]:
    """The variant of a job, and whether it is new.

    The context needs only the configuration and the workspace, so that any process can do the job.
    """
    found = module_of(job.stage).reuse(context, job)
    if found is not None:
        return found, False
    begin()
    # The module of the work may import torch, so only new work imports it.
    work: WorkModule = cast("WorkModule", imported(job.stage, "_work"))
    return work.run(context, job), True


def published(settings: Settings, workspace: Workspace) -> Repository:
    """Publishes to the workspace, to all stores of the settings and to the model registry."""
    # These imports take half a second, and no other stage needs them.
    from porting.stages.publish import publish_workspace
    from porting.tracking.model_registry import register

    repository, same = publish_workspace(workspace, settings.publish)
    say(f"publish   {'unchanged' if same else 'written'}: {len(repository.variants)} variants")
    if settings.publish.mlflow_registry:
        new = register(repository, prepared(settings))
        say(f"publish   {len(new)} variants are new in the model registry")
    return repository
