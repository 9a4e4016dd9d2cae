"""MLflow's database as a file: made whole or not at all, looked at before MLflow opens it, at home where it lies."""

import os
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from profiler.door import opened
from profiler.errors import BadInputError, DnnPortingError
from profiler.files import write_atomically
from profiler.locks import exclusive
from profiler.scratch import scratch

SQLITE, ARTIFACTS = "sqlite:///", "mlartifacts"
MAGIC = b"SQLite format 3\0"
BUSY_S = 30.0
# By the second word of SQLite's own names for what went wrong; anything else is damage.
MEND = {
    "FULL": "make room on its disk, and run the same command to go on",
    "BUSY": "wait until the other process that uses it ends, or stop it",
    "READONLY": "make it and its folder writable",
}
# Every place of MLflow's that holds the address of an artefact.
ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("trace_tags", "value"),
)
OURS = re.compile(rf"(file://.*/{ARTIFACTS})(/\d+)?")


def database_of(uri: str) -> Path | None:
    """The file of an MLflow address, `None` for a server or another database."""
    return Path(uri.removeprefix(SQLITE)).absolute() if uri.startswith(SQLITE) else None


def explained(error: Exception, uri: str) -> str:
    """Why MLflow failed, in its database's own words where it has any, and what a user can do about it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, sqlite3.Error):
        cause = getattr(cause, "orig", None) or cause.__cause__ or cause.__context__
    reason = str(cause or error).strip().splitlines()[0]
    path = database_of(uri)
    fix = "mend it" if path is None else f"move {path}* away, and a new one is made"
    if isinstance(cause, sqlite3.Error):
        fix = MEND.get(word(cause), fix)
    return f"({reason}): {fix}"


# What an address of a database takes for something else than the path that it is.
READ_OTHERWISE = re.compile(r"\?|%[0-9A-Fa-f]{2}")


def word(error: sqlite3.Error) -> str:
    """The second word of SQLite's own name for an error, such as FULL; Python's own errors have none."""
    return getattr(error, "sqlite_errorname", "SQLITE_ERROR").split("_")[1]


def ready(path: Path) -> None:
    """Makes the database where there is none; raises `BadInputError` for one that MLflow could not use.

    MLflow tries for minutes to open a file that it cannot, and its first migration is not one transaction: a process
    that dies in it leaves a database for good that nobody can use.
    """
    if READ_OTHERWISE.search(str(path)):
        raise BadInputError(
            f"{path} has a '?' or a code like '%41', which MLflow reads otherwise: choose another folder"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(path):
        make(path)
    check(path, f"move {path}* away, and a new one is made; or set tracking.enabled=false")


def make(path: Path) -> None:
    """A new, empty database."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for part in ("-journal", "-wal", "-shm"):
        if os.path.lexists(orphan := path.with_name(path.name + part)):
            raise BadInputError(f"{orphan} has lost its database, and would be taken for a new one's: move it away")
    with scratch("mlflow") as made:
        unfinished = made.folder / path.name
        store = SqlAlchemyStore(f"{SQLITE}{unfinished}", artifacts_beside(path))  # type: ignore[no-untyped-call]
        store.engine.dispose()
        with exclusive(path.with_name(".mlflow.lock"), f"the new {path}"):
            # Another process may have been quicker, and have runs in its own already.
            if not os.path.lexists(path):
                write_atomically(path, unfinished.read_bytes())


def check(path: Path, fix: str) -> None:
    """Raises `BadInputError` with the fix for anything but a whole database of MLflow's that can be written to.

    What a killed process left in the database's journal is rolled back.
    """
    with opened(path, fix, links=False) as file:
        is_sqlite = file.read(len(MAGIC)) == MAGIC
    if not is_sqlite:
        raise BadInputError(f"{path} is no SQLite database: {fix}")
    if not all(os.access(place, os.W_OK) for place in (path, path.parent)):
        raise BadInputError(f"{path} cannot be written to: make it and its folder writable, or {fix}")
    try:
        with closing(connected(path)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    except sqlite3.Error as error:
        if word(error) == "BUSY":
            raise BadInputError(f"{path} is in use by another process: wait until it ends, or stop it") from error
        verdict, tables = str(error), set()
    if verdict != "ok":
        raise BadInputError(f"{path} is damaged ({verdict.splitlines()[0]}): {fix}")
    if not {"alembic_version", *(table for table, _ in ADDRESSES)} <= tables:
        raise BadInputError(
            f"{path} is no whole database of this MLflow's: if it is one of an older MLflow, run mlflow db upgrade "
            f"{SQLITE}{path}; else {fix}"
        )


def connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_S)


def artifacts_beside(path: Path) -> str:
    """The address of the artefacts of a database, which lie beside it."""
    return (path.parent / ARTIFACTS).as_uri()


def settle(path: Path) -> None:
    """Makes the artefacts' addresses those beside the database, which may have been moved or copied since."""
    try:
        with closing(connected(path)) as connection, connection:
            rebase(connection, artifacts_beside(path))
    except sqlite3.Error as error:
        why = explained(error, f"{SQLITE}{path}")
        raise DnnPortingError(f"the artefacts' addresses in {path} cannot be corrected {why}") from error


def rebase(connection: sqlite3.Connection, here: str) -> None:
    """Puts `here` in the place of every folder that artefacts lay in before."""
    known = [place for (place,) in connection.execute("SELECT artifact_location FROM experiments")]
    for old in elsewhere(known, here):
        for table, column in ADDRESSES:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608
                f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                (here, len(old) + 1, old, len(old) + 1, f"{old}/"),
            )
    # Runs of a workspace write beside its database and nowhere else, whatever a database from elsewhere says.
    connection.execute(
        "UPDATE experiments SET artifact_location = ? "
        "WHERE artifact_location IS NULL OR artifact_location NOT IN (?, ? || '/' || experiment_id)",
        (here, here, here),
    )


def elsewhere(locations: Iterable[str | None], here: str) -> set[str]:
    """The folders of artefacts that experiments were given in a database's earlier places."""
    found = (OURS.fullmatch(location or "") for location in locations)
    return {match[1] for match in found if match} - {here}
