"""The stages in their order, and the one loop that runs them."""

import importlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import cast

from porting.common.console import progress, say
from porting.configuration.settings import Settings
from porting.configuration.stage_table import SOURCES, STAGES, Stage
from porting.jobs.context import Context, Job, JobsOf, needs_the_extra
from porting.repository import Repository
from porting.tracking.runs import Tracker, prepared, tracked
from porting.workspace.data import Data
from porting.workspace.records import Variant
from porting.workspace.workspace import Workspace
from profiler.common.errors import BadInputError


def jobs_of(stage: Stage, context: Context, pool: Sequence[Variant]) -> list[Job]:
    """A stage's work; its module is imported only now, as it may bring torch along."""
    try:
        module = importlib.import_module(f"porting.stages.{stage.module}")
    except ModuleNotFoundError as error:
        raise needs_the_extra(f"stage {stage.name}", error) from error
    return cast("JobsOf", module.jobs)(context, pool)


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: its variants, and the repository if it published."""

    variants: list[Variant]
    repository: Repository | None


def run(settings: Settings, config: str) -> Outcome:
    """Runs the stages of the settings; `config` is their YAML. What is complete stays, whatever fails later."""
    workspace = Workspace(settings.workspace)
    with ExitStack() as stack:
        stack.enter_context(workspace.writing(settings.task))
        tracker = stack.enter_context(tracked(settings, config))
        runner = Runner(settings, workspace, config, tracker)
        runner.run_stages()
        runner.track_variants()
        repository = None
        if "publish" in settings.stages():
            repository = published(settings, workspace)
            tracker.repository(repository.root.local)
    return Outcome(list(runner.pool.values()), repository)


def published(settings: Settings, workspace: Workspace) -> Repository:
    """The repository in the workspace, in every store that was asked for, and in the model registry."""
    # Half a second of imports that no other stage needs.
    from porting.stages.publish import publish_workspace
    from porting.tracking.model_registry import register

    repository, same = publish_workspace(workspace, settings.publish)
    say(f"publish   {'unchanged' if same else 'written'}: {len(repository.variants)} variants")
    if settings.publish.registry:
        new = register(repository, prepared(settings))
        say(f"publish   {len(new)} variants are new in the model registry")
    return repository


class Runner:
    """The pool of variants on its way through the stages."""

    def __init__(self, settings: Settings, workspace: Workspace, config: str, tracker: Tracker) -> None:
        self._settings, self._workspace = settings, workspace
        self._config, self._tracker = config, tracker
        self._data = None if settings.datamodule is None else Data(settings.datamodule)
        self.pool: dict[str, Variant] = {}

    def run_stages(self) -> None:
        """Every stage but publish. A run without a source works on what the workspace holds already."""
        names = self._settings.stages()
        if names[0] not in SOURCES:
            self._keep(self._workspace.variants(self._settings.task))
        wanted = [stage for stage in STAGES if stage.name in names and stage.name != "publish"]
        for stage in wanted:
            self._run_stage(stage, first=stage.name == names[0])
            for earlier in (one for one in wanted if one.name == stage.feeds):
                while self._has_more(earlier):
                    self._run_stage(earlier, first=False)
                    self._run_stage(stage, first=False)

    def track_variants(self) -> None:
        """Tells the tracker of every variant that can be served or be trained on."""
        for variant in self.pool.values():
            if variant.stage != "prune" or variant.onnx is not None:
                profiles = self._workspace.profiles(variant)
                self._tracker.variant(variant, profiles, self._workspace.folder(variant))

    def _has_more(self, stage: Stage) -> bool:
        """Whether the stage would make a variant, now that the pool has grown."""
        with self._context() as context:
            return any(job.makes not in self.pool for job in jobs_of(stage, context, list(self.pool.values())))

    @contextmanager
    def _context(self) -> Iterator[Context]:
        """What one run of one stage is given."""
        with ExitStack() as stack:
            yield Context(self._settings, self._workspace, self._config, self._data, self._tracker.epoch, stack)

    def _keep(self, variants: Iterable[Variant]) -> None:
        self.pool.update({variant.name: variant for variant in variants})

    def _run_stage(self, stage: Stage, first: bool) -> None:
        named = not self._settings.everything
        if stage.needs_data and self._data is None and not named:
            say(f"{stage.name:<9} skipped: it needs data, and datamodule=none")
            return
        with self._context() as context:
            jobs = jobs_of(stage, context, list(self.pool.values()))
            if not jobs and (first or named):
                raise BadInputError(
                    f"stage {stage.name} needs {stage.needs}, and {self._settings.workspace} has none for task "
                    f"{self._settings.task}: run stage={stage.before} first"
                )
            made = self._do(stage, jobs)
        say(f"{stage.name:<9} {f'{made} made, {len(jobs) - made} reused' if jobs else 'nothing to do'}")

    def _do(self, stage: Stage, jobs: list[Job]) -> int:
        """How many of the jobs had to be run."""
        made = 0
        with progress(stage.name, len(jobs)) as advance:
            for job in jobs:
                found = job.reuse()
                made += found is None
                self._keep([found or job.run()])
                advance(job.title)
        return made
