"""Runs of one kind, and the duration and results of undisturbed ones."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from killed_runs import NEVER, Kill, ended, start
from workspace_content import content, differences


@dataclass(frozen=True)
class Undisturbed:
    """The duration and the results of a run."""

    seconds: float
    changes: int
    left: dict[str, Any]


class Kind:
    """Runs of one kind, and the undisturbed ones: a first run, and a run with a database of MLflow."""

    def __init__(self, name: str, arguments: list[str], prepare: Callable[[], None], folder: Path) -> None:
        self.name, self.arguments, self.prepare, self.folder = name, arguments, prepare, folder

    first: Undisturbed
    later: Undisturbed

    @property
    def template(self) -> Path:
        """A workspace after MLflow's first migration, which is the slowest part of a first run."""
        return self.folder / "template"

    def refer(self) -> None:
        """Runs it undisturbed."""
        self.folder.mkdir()
        with_database_only(self.template)
        self.first = self.undisturbed(self.folder / "first")
        shutil.copytree(self.template, self.folder / "later")
        self.later = self.undisturbed(self.folder / "later")
        if faults := differences(self.first.left, self.later.left, measured=self.name == "real"):
            raise SystemExit(f"two undisturbed runs differ: {faults}")

    def undisturbed(self, workspace: Path) -> Undisturbed:
        begin = time.monotonic()
        code = self.run(workspace, NEVER)
        seconds = time.monotonic() - begin
        if code:
            raise SystemExit(f"the undisturbed run ended with code {code}: {(self.folder / 'err').read_text()}")
        changes = int((self.folder / "changes").read_text())
        print(f"{self.name}: {seconds:.1f} s and {changes} changes of files undisturbed", flush=True)
        return Undisturbed(seconds, changes, content(workspace))

    def run(self, workspace: Path, kill: Kill) -> int:
        return ended(start([*self.arguments, f"workspace={workspace}"], kill, self.folder, self.prepare), kill)


def with_database_only(workspace: Path) -> None:
    """Makes an empty database of MLflow."""
    from porting.tracking.database_file import ensure_database

    # This runs in a process of its own, because later forks must not share a database engine.
    if not (pid := os.fork()):
        ensure_database(workspace / "mlflow.db")
        os._exit(0)
    os.waitpid(pid, 0)
