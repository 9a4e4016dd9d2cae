"""The table at the end of a run with the commands for the next steps, and the table of a dry run."""

import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from porting.common.console import say, table
from porting.configuration.settings import Settings
from porting.jobs.coming_targets import check_targets
from porting.pipeline import Outcome, Walk, module_of
from porting.repository import Repository
from porting.repository.figures import figures as known_figures
from porting.repository.figures import measured_by
from porting.repository.report.ranking_table import members, tasks_and_targets
from porting.repository.report.words import (
    in_words,
    load_in_words,
    others_in_words,
    place_in_words,
    verdict_in_words,
)
from porting.repository.schema import Figure, Standing, Summary
from porting.tracking.database_schema import SQLITE
from porting.tracking.runs import DATABASE
from porting.workspace.records import Variant
from porting.workspace.workspace import REPOSITORY, Workspace
from profiler.records.base import Verdict
from profiler.records.profile import Profile

COLUMNS = [
    "variant", "test accuracy", "parameters", "FLOPs", "p50, ms", "images/s", "images/s at batch 1",
    "batch × callers, others", "on the frontier",
]  # fmt: skip
FIGURES = ("parameters", "flops", "p50_ms", "images_per_s", "single_images_per_s")


def summarise(outcome: Outcome, settings: Settings) -> None:
    """Prints the results of a run."""
    if outcome.repository is None:
        workspace = Workspace(settings.workspace)
        found = [describe(variant, workspace.profiles(variant)) for variant in outcome.variants]
        table(settings.task, COLUMNS, found)
        for variant in outcome.variants:
            for profile in workspace.profiles(variant).values():
                show_missing(variant.name, profile)
        say(f"variants    {settings.workspace / 'tasks' / settings.task / 'variants'}")
    else:
        show_repository(outcome.repository, settings.workspace / REPOSITORY)
    if settings.tracking.enabled and settings.tracking.uri is None:
        ui = [here("mlflow"), "ui", "--backend-store-uri", f"{SQLITE}{settings.workspace / DATABASE}"]
        say(f"tracking    MLFLOW_DISABLE_TELEMETRY=true {shlex.join(ui)}")


def show_repository(repository: Repository, root: Path) -> None:
    """Prints a table for each task and target, what is missing, the report and the command that serves."""
    for task, target in tasks_and_targets(repository.index):
        table(f"{task} on {target}", COLUMNS, [row(*one) for one in members(repository.index, task, target)])
        for variant in repository.measured(task, target) if task in repository.tasks else ():
            show_missing(variant.name, repository.on(variant.name, target).profile)
    say(f"report      {root / 'report.html'}")
    say(f"repository  {root}")
    say(f"serve it    {shlex.join([here('dnn-porting'), 'serve', str(root)])}")


def show_missing(name: str, profile: Profile) -> None:
    """Prints the number of a variant's missing points for each setting that measures them."""
    for setting, count in Counter(measured_by(profile.level, one) for one in profile.missing).items():
        say(f"missing     {count} points of {name} on {profile.target_name}, measured by: {setting}")


def here(command: str) -> str:
    """A command of this environment, with its path where the shell would not find it."""
    path = Path(sys.executable).parent / command
    if shutil.which(command) == str(path):
        return command
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def row(variant: Summary, standing: Standing) -> list[str]:
    """The row of a ranked variant on a target."""
    accuracy = variant.test_accuracy
    shown = f"{accuracy.value:.2%}" if accuracy else "unknown"
    figures = cells(standing.figures, standing.verdict)
    return [variant.name, shown, *figures, load_in_words(standing), place_in_words(variant, standing)]


def cells(figures: Mapping[str, Figure], verdict: Verdict) -> list[str]:
    """The cells of `FIGURES` with their verdicts, those of throughputs with their intervals."""
    values = {name: one if "images" in name else (one[0], None, None) for name, one in figures.items()}
    return [f"{in_words(values, name)} {verdict_in_words(figures, name, verdict)}".rstrip() for name in FIGURES]


def describe(variant: Variant, profiles: dict[str, Profile]) -> list[str]:
    """The row of a variant that this run did not publish, with its known figures."""
    accuracy = variant.onnx.test_accuracy if variant.onnx else None
    top = max((epoch.val_accuracy for epoch in variant.history), default=None)
    trained = "unknown" if top is None else f"{top:.2%} on validation"
    figures, load = [""] * len(FIGURES), ""
    for profile in profiles.values():
        best = profile.best_throughput()
        figures = cells(known_figures(None, profile)[0], best.verdict if best else "unsettled")
        load = f"{best.batch} × {best.concurrency}, {others_in_words(best.noise.others_share)}" if best else ""
    state = "profiled" if profiles else "exported" if variant.onnx else variant.stage
    flags = [f"flagged {name}" for name in variant.onnx.flags] if variant.onnx else []
    place = "; ".join([f"not ranked yet: {state}", *flags])
    return [variant.name, f"{accuracy.value:.2%}" if accuracy else trained, *figures, load, place]


@dataclass(frozen=True)
class PlannedJob:
    """A job with its expected time in seconds, the median of past steps; `None` where the workspace has none yet.

    A reused job takes no time.
    """

    stage: str
    title: str
    reused: bool
    seconds: float | None


def show_plan(settings: Settings) -> None:
    """Prints the jobs of a dry run; raises `BadInputError` where its new work would end at a target."""
    level = settings.profile
    found = list(planned_jobs(settings))
    if not all(one.reused for one in found):
        check_targets(settings)
    times = ["unknown" if one.seconds is None else f"{one.seconds:,.0f}" for one in found]
    rows = [[one.stage, one.title, "yes" if one.reused else "no", time] for one, time in zip(found, times, strict=True)]
    table(settings.task, ["stage", "what", "reused", "seconds"], rows)
    budgets = [one for one in (level.screen_with, level) if one is not None]
    words = " and ".join(f"{one.all_visits_s():g} s at level {one.level}" for one in budgets)
    words += ", and up to half as much again on a busy machine,"
    say(f"profiling takes at most {words} for each variant and target ({', '.join(settings.targets) or 'none'})")
    known = sum(one.seconds or 0.0 for one in found)
    say(f"in all about {known:,.0f} s{' and an unknown time' if 'unknown' in times else ''}")


def planned_jobs(settings: Settings) -> Iterator[PlannedJob]:
    """Yields the jobs of all stages whose inputs exist, and one entry for all jobs that depend on new variants."""
    workspace, walk = Workspace(settings.workspace), Walk(settings)
    everything = [variant for task in workspace.tasks() for variant in workspace.variants(task)]
    to_come = ""
    for step in walk.steps():
        if to_come:
            yield PlannedJob(step.stage.name, f"for each new variant of stage {to_come}", reused=False, seconds=None)
        for job in step.jobs:
            found = module_of(job.stage).reuse(step.context, job)
            walk.keep([] if found is None else [found])
            past = [step.seconds for variant in everything for step in variant.lineage if step.stage == job.stage]
            expected_s = job.budget_s or (median(past) if past else None)
            yield PlannedJob(job.stage, job.title, found is not None, expected_s if found is None else 0.0)
            to_come = to_come or (job.stage if found is None and job.recipe is not None else "")
