"""The table that ends a run, and what to do next."""

import os
import shutil
import sys
from pathlib import Path

from porting.console import say, table
from porting.pipeline import Outcome
from porting.records import Variant
from porting.repository import Repository
from porting.repository.figure import panels
from porting.repository.report import Panel, interval, panel
from porting.settings import Settings
from porting.stages.publish import REPOSITORY
from porting.workspace import Workspace
from profiler.records.profile import Profile

COLUMNS = ["variant", "accuracy", "parameters", "FLOPs", "p50, ms", "images/s", "on the frontier"]


def summarise(outcome: Outcome, settings: Settings) -> None:
    """Prints what a run leaves behind."""
    if outcome.repository is None:
        workspace = Workspace(settings.workspace)
        found = [describe(variant, workspace.profiles(variant)) for variant in outcome.variants]
        table(settings.task, COLUMNS, found)
        say(f"variants    {settings.workspace / 'tasks' / settings.task / 'variants'}")
    else:
        show_repository(outcome.repository, settings.workspace / REPOSITORY)
    if settings.tracking.enabled and settings.tracking.uri is None:
        say(f"tracking    {here('mlflow')} ui --backend-store-uri sqlite:///{settings.workspace / 'mlflow.db'}")


def show_repository(repository: Repository, root: Path) -> None:
    """One table for each task and target, the report and the command that serves."""
    for task, target in panels(repository.index):
        shown = panel(repository.index, task, target)
        table(f"{task} on {target}", COLUMNS, rows(shown))
    say(f"report      {root / 'report.html'}")
    say(f"repository  {root}")
    say(f"serve it    {here('dnn-porting')} serve {root}")


def here(command: str) -> str:
    """A command of this environment, by its path where the shell would not find it."""
    path = Path(sys.executable).parent / command
    if shutil.which(command) == str(path):
        return command
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def rows(shown: Panel) -> list[list[str]]:
    return [
        [row.name, row.validation, row.parameters, row.flops, row.latency, row.throughput, row.standing]
        for row in shown.rows
    ]


def describe(variant: Variant, profiles: dict[str, Profile]) -> list[str]:
    """A variant that is not published by this run, with what is known of it so far."""
    accuracy = variant.onnx.validation_accuracy if variant.onnx else None
    value = accuracy.value if accuracy else max((epoch.val_accuracy for epoch in variant.history), default=None)
    figures = ["", "", "", ""]
    for profile in profiles.values():
        flops, latency, best = profile.complexity.flops, profile.latency_at(1), profile.best_throughput()
        figures = [
            f"{profile.complexity.parameters:,}",
            "unknown" if flops is None else f"{flops:,}",
            f"{latency.p50_ms:.3f}" if latency and latency.p50_ms else "unknown",
            interval(best) if best else "unknown",
        ]
    state = "profiled" if profiles else "exported" if variant.onnx else variant.stage
    return [variant.name, "unknown" if value is None else f"{value:.2%}", *figures, f"not ranked yet: {state}"]
