"""The tracking of a run, which starts MLflow only for something new, as its import takes seconds.

A run begins in MLflow as soon as it makes something new, and at its end at the latest, unless the database has the
record of a run with the same configuration, the same variants and the same repository.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from porting.configuration.settings import Settings
from porting.repository.reader import INDEX
from porting.tracking.database_file import damage
from porting.tracking.database_schema import ARTIFACTS, artifacts_address, connected, database_of, foreign_code
from porting.tracking.runs import MlflowTracker, pipeline_run, require_mlflow, tracking_uri
from porting.tracking.tracked_values import tracked_figures
from porting.workspace.records import Epoch, Variant
from profiler.common.errors import DnnPortingError
from profiler.common.files import json_digest, sha256
from profiler.records.profile import Profile

DIGEST_TAG = "dnn_porting.told"
FINISHED = """
    SELECT runs.artifact_uri FROM tags JOIN runs USING (run_uuid) JOIN experiments USING (experiment_id)
    WHERE tags.key = ? AND tags.value = ? AND runs.status = 'FINISHED' AND runs.lifecycle_stage = 'active'
    AND experiments.name = ? AND experiments.lifecycle_stage = 'active'
"""
OPEN = """
    SELECT count(*) FROM runs JOIN experiments USING (experiment_id)
    WHERE runs.status = 'RUNNING' AND experiments.name = ?
"""


class Tracker:
    """The events of a pipeline for MLflow; this class, for a run without tracking, records none of them."""

    def begin(self) -> None:
        """A job starts to make something new."""

    def epoch(self, variant_name: str, epoch: Epoch) -> None:
        """A variant has been trained for one more epoch."""

    def variant(self, variant: Variant, profiles: dict[str, Profile], folder: Path) -> None:
        """A variant is complete in its folder."""

    def repository(self, folder: Path) -> None:
        """The repository of the run is complete in the folder."""


class Deferred(Tracker):
    """The tracker that keeps events until `start` begins MLflow's run; `facts` distinguish one run from another.

    `attempted` is true after a call of `start`, which may have failed.
    """

    def __init__(self, start: Callable[[], MlflowTracker], facts: list[str]) -> None:
        self._start, self._facts = start, facts
        self._tracker: MlflowTracker | None = None
        self.attempted = False
        self._pending: list[Callable[[MlflowTracker], None]] = []

    def begin(self) -> None:
        """Starts MLflow's run, where it is not started yet, and records the pending events."""
        self._begun()

    def _begun(self) -> MlflowTracker:
        if self._tracker is None:
            self.attempted = True
            self._tracker = self._start()
            for record in self._pending:
                record(self._tracker)
        return self._tracker

    def _record(self, record: Callable[[MlflowTracker], None]) -> None:
        if self._tracker is None:
            self._pending.append(record)
        else:
            record(self._tracker)

    def epoch(self, variant_name: str, epoch: Epoch) -> None:
        """Records an epoch at once, so that MLflow shows a training while it runs."""
        self._begun().epoch(variant_name, epoch)

    def variant(self, variant: Variant, profiles: dict[str, Profile], folder: Path) -> None:
        """Records a variant with its figures."""
        figures = tracked_figures(variant, profiles)
        self._facts += [variant.model_dump_json(), repr(sorted(figures.items()))]
        self._record(lambda tracker: tracker.variant(variant, profiles, folder))

    def repository(self, folder: Path) -> None:
        """Records the repository; its index has the digests of all its files."""
        self._facts.append(sha256(folder / INDEX))
        self._record(lambda tracker: tracker.repository(folder))

    def finish(self, uri: str, task: str) -> None:
        """Records the pending events, unless MLflow has the record of the same run already."""
        digest = json_digest(self._facts)
        if self._tracker is not None or not is_recorded(uri, task, digest):
            self._begun().tag(DIGEST_TAG, digest)


@contextmanager
def tracked(settings: Settings, config: str) -> Iterator[Tracker]:
    """The tracker of one pipeline; raises `DnnPortingError` where MLflow fails."""
    if not settings.tracking.enabled:
        yield Tracker()
        return
    require_mlflow()
    with ExitStack() as stack:
        deferred = Deferred(lambda: stack.enter_context(pipeline_run(settings, config)), [config])
        try:
            yield deferred
        except Exception:
            # MLflow records a failed run too, and the first error is the one to report.
            with suppress(DnnPortingError):
                if not deferred.attempted:
                    deferred.begin()
            raise
        deferred.finish(tracking_uri(settings), settings.task)


def is_recorded(uri: str, task: str, digest: str) -> bool:
    """Whether the database at `uri` has a finished run of the task with this digest of its facts.

    This function only reads the database. It returns `False` for a server, and for a database that needs a correction
    or is refused.
    """
    path = database_of(uri)
    if path is None or path.is_symlink() or not path.is_file():
        return False
    try:
        with closing(connected(path)) as connection:
            if foreign_code(connection) or damage(connection) or connection.execute(OPEN, (task,)).fetchone() != (0,):
                return False
            found = [str(address) for (address,) in connection.execute(FINISHED, (DIGEST_TAG, digest, task))]
    except (sqlite3.Error, MemoryError):
        return False
    here = f"{artifacts_address(path)}/"
    folders = [path.parent / ARTIFACTS / one.removeprefix(here) for one in found if one.startswith(here)]
    return any(folder.is_dir() for folder in folders)
