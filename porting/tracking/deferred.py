"""Tracking of a run that may have nothing to tell: MLflow, which takes seconds to import, is asked when there is.

A run of the stages is told to MLflow as soon as it makes something new, and at its end at the latest: unless the
database has the record of a run with the same configuration, the same variants and the same repository.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from porting.configuration.settings import Settings
from porting.repository.reader import INDEX
from porting.tracking.address import ARTIFACTS, artifacts_beside, connected, database_of
from porting.tracking.database_file import damage
from porting.tracking.database_schema import what_runs
from porting.tracking.runs import MlflowTracker, pipeline_run, require_mlflow, tracked_figures, tracking_uri
from porting.workspace.records import Epoch, Variant
from profiler.common.errors import DnnPortingError
from profiler.common.files import json_digest, sha256
from profiler.records.profile import Profile

TOLD_TAG = "dnn_porting.told"
FINISHED = """
    SELECT runs.artifact_uri FROM tags JOIN runs USING (run_uuid) JOIN experiments USING (experiment_id)
    WHERE tags.key = ? AND tags.value = ? AND runs.status = 'FINISHED' AND runs.lifecycle_stage = 'active'
    AND experiments.name = ? AND experiments.lifecycle_stage = 'active'
"""
OPEN = """
    SELECT count(*) FROM runs JOIN experiments USING (experiment_id)
    WHERE runs.status = 'RUNNING' AND experiments.name = ?
"""


class Tracker(Protocol):
    """What a pipeline tells while it runs."""

    def begin(self) -> None:
        """Something new is about to be made."""

    def epoch(self, variant_name: str, epoch: Epoch) -> None:
        """A variant has been trained for one more epoch."""

    def variant(self, variant: Variant, profiles: dict[str, Profile], folder: Path) -> None:
        """A variant is complete in its folder."""

    def repository(self, folder: Path) -> None:
        """The repository in the folder is that of the run."""


class NoTracker:
    """Tracking switched off: each call does nothing."""

    def begin(self) -> None:
        """Records nothing."""

    def epoch(self, variant_name: str, epoch: Epoch) -> None:
        """Records nothing."""

    def variant(self, variant: Variant, profiles: dict[str, Profile], folder: Path) -> None:
        """Records nothing."""

    def repository(self, folder: Path) -> None:
        """Records nothing."""


class Deferred:
    """Keeps what is told until MLflow's run is started by `start`; `facts` are what tells one run from another.

    `asked` says whether MLflow was to start a run, which may have failed.
    """

    def __init__(self, start: Callable[[], MlflowTracker], facts: list[str]) -> None:
        self._start, self._facts = start, facts
        self._tracker: MlflowTracker | None = None
        self.asked = False
        self._waiting: list[Callable[[MlflowTracker], None]] = []

    def begin(self) -> None:
        """Starts MLflow's run, where it is not started yet, and tells it what waits."""
        self._begun()

    def _begun(self) -> MlflowTracker:
        if self._tracker is None:
            self.asked = True
            self._tracker = self._start()
            for tell in self._waiting:
                tell(self._tracker)
        return self._tracker

    def _tell(self, tell: Callable[[MlflowTracker], None]) -> None:
        if self._tracker is None:
            self._waiting.append(tell)
        else:
            tell(self._tracker)

    def epoch(self, variant_name: str, epoch: Epoch) -> None:
        """An epoch is told at once: whoever watches a training sees it."""
        self._begun().epoch(variant_name, epoch)

    def variant(self, variant: Variant, profiles: dict[str, Profile], folder: Path) -> None:
        """The variant with its figures."""
        figures = tracked_figures(variant, profiles)
        self._facts += [variant.model_dump_json(), repr(sorted(figures.items()))]
        self._tell(lambda tracker: tracker.variant(variant, profiles, folder))

    def repository(self, folder: Path) -> None:
        """The repository by its index, which has the digests of all in it."""
        self._facts.append(sha256(folder / INDEX))
        self._tell(lambda tracker: tracker.repository(folder))

    def finish(self, uri: str, task: str) -> None:
        """Tells MLflow what waits, where it does not have the record of the same run already."""
        told = json_digest(self._facts)
        if self._tracker is not None or not is_recorded(uri, task, told):
            self._begun().tag(TOLD_TAG, told)


@contextmanager
def tracked(settings: Settings, config: str) -> Iterator[Tracker]:
    """The tracker of one pipeline; raises `DnnPortingError` where MLflow fails."""
    if not settings.tracking.enabled:
        yield NoTracker()
        return
    require_mlflow()
    with ExitStack() as stack:
        deferred = Deferred(lambda: stack.enter_context(pipeline_run(settings, config)), [config])
        try:
            yield deferred
        except Exception:
            # A run that failed is on record too; what went wrong first is what a user must know.
            with suppress(DnnPortingError):
                if not deferred.asked:
                    deferred.begin()
            raise
        deferred.finish(tracking_uri(settings), settings.task)


def is_recorded(uri: str, task: str, told: str) -> bool:
    """Whether MLflow's database, and no server, has a finished run of the task with this digest of what it was told.

    The database is only read. Where anything about it is to be put right, or to be refused, the answer is no.
    """
    path = database_of(uri)
    if path is None or path.is_symlink() or not path.is_file():
        return False
    try:
        with closing(connected(path)) as connection:
            if what_runs(connection) or damage(connection) or connection.execute(OPEN, (task,)).fetchone() != (0,):
                return False
            found = [str(address) for (address,) in connection.execute(FINISHED, (TOLD_TAG, told, task))]
    except (sqlite3.Error, MemoryError):
        return False
    here = f"{artifacts_beside(path)}/"
    folders = [path.parent / ARTIFACTS / one.removeprefix(here) for one in found if one.startswith(here)]
    return any(folder.is_dir() for folder in folders)
