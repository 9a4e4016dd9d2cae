"""The stages in their order, and the one loop that runs them."""

import importlib
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import cast

from porting.console import say
from porting.context import Context, Job, JobsOf
from porting.records import Variant
from porting.repository import Repository
from porting.settings import Settings
from porting.stages.publish import publish_workspace
from porting.tracking import Tracker, tracked
from porting.workspace import Workspace
from profiler.errors import BadInputError


@dataclass(frozen=True)
class Stage:
    """A stage's name, the module whose `jobs` does its work, and what must be there before it."""

    name: str
    module: str
    needs: str = ""
    before: str = ""
    needs_data: bool = True

    def jobs(self, context: Context, pool: Sequence[Variant]) -> list[Job]:
        """Its work; the module is imported only now, as it may bring torch along."""
        module = importlib.import_module(f"porting.stages.{self.module}")
        return cast("JobsOf", module.jobs)(context, pool)


STAGES = (
    Stage("train", "train"),
    Stage("import", "import_model", needs_data=False),
    Stage("prune", "prune", "a trained or imported torch network", "train"),
    Stage("finetune", "finetune", "a pruned network", "prune"),
    Stage("export", "export", "a torch network", "train", needs_data=False),
    Stage("quantize", "quantize", "an exported fp32 file", "export"),
    Stage("profile", "profile", "an exported file", "export", needs_data=False),
)
SOURCES = ("train", "import")


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: its variants, how much was made and how much reused, and the repository if it published."""

    variants: list[Variant]
    made: int
    reused: int
    repository: Repository | None


def run(settings: Settings, config: str) -> Outcome:
    """Runs the stages of the settings; `config` is their YAML. What is complete stays, whatever fails later."""
    workspace = Workspace(settings.workspace)
    with ExitStack() as stack:
        stack.enter_context(workspace.writing(settings.task))
        tracker = stack.enter_context(tracked(settings, config))
        runner = Runner(settings, workspace, config, tracker)
        try:
            runner.run_stages()
        finally:
            runner.track_variants()
        repository = None
        if "publish" in settings.stages():
            repository, same = publish_workspace(workspace)
            say(f"publish   {'unchanged' if same else 'written'}: {len(repository.variants)} variants")
            tracker.repository(repository.root)
    return Outcome(list(runner.pool.values()), runner.made, runner.reused, repository)


class Runner:
    """The pool of variants on its way through the stages."""

    def __init__(self, settings: Settings, workspace: Workspace, config: str, tracker: Tracker) -> None:
        self._settings, self._workspace = settings, workspace
        self._config, self._tracker = config, tracker
        self.pool: dict[str, Variant] = {}
        self.made = self.reused = 0

    def run_stages(self) -> None:
        """Every stage but publish. A run without a source works on what the workspace holds already."""
        names = self._settings.stages()
        if names[0] not in SOURCES:
            self._keep(self._workspace.variants(self._settings.task))
        for stage in STAGES:
            if stage.name in names:
                self._run_stage(stage, first=stage.name == names[0])

    def track_variants(self) -> None:
        """Tells the tracker of every variant that can be served or be trained on."""
        for variant in self.pool.values():
            if variant.stage != "prune" or variant.onnx is not None:
                profiles = self._workspace.profiles(variant)
                self._tracker.variant(variant, profiles, self._workspace.folder(variant))

    def _keep(self, variants: Iterable[Variant]) -> None:
        self.pool.update({variant.name: variant for variant in variants})

    def _run_stage(self, stage: Stage, first: bool) -> None:
        if stage.needs_data and self._settings.datamodule is None and not first:
            say(f"{stage.name:<9} skipped: it needs data, and datamodule=none")
            return
        with ExitStack() as stack:
            context = Context(self._settings, self._workspace, self._config, self._tracker.epoch, stack)
            jobs = stage.jobs(context, list(self.pool.values()))
            if not jobs and first:
                raise BadInputError(
                    f"stage {stage.name} needs {stage.needs}, and {self._settings.workspace} has none for task "
                    f"{self._settings.task}: run stage={stage.before} first"
                )
            made = sum(self._do(job) for job in jobs)
        note = "nothing to do" if not jobs else f"{made} made, {len(jobs) - made} reused"
        say(f"{stage.name:<9} {note}")
        self.made += made
        self.reused += len(jobs) - made

    def _do(self, job: Job) -> bool:
        """Whether the job had to be run."""
        found = job.reuse()
        self._keep([found or job.run()])
        return found is None
