"""Corrections of the MLflow database of a workspace: addresses of artefacts after a move, and open runs."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from porting.tracking.database_schema import ARTIFACTS, SQLITE, artifacts_address, connected
from porting.tracking.mlflow_errors import explained
from profiler.common.errors import DnnPortingError

# All columns of MLflow with addresses of artefacts.
ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("trace_tags", "value"),
)
# The longest address that MLflow writes.
LONGEST = 8000
FOLDER = re.compile(rf"/{ARTIFACTS}(?=/|\Z)")
OWN_FOLDER = re.compile(rf"(file://.*/{ARTIFACTS})(/\d+)?")


def update_addresses(path: Path) -> None:
    """Updates the addresses of artefacts to the folder of the database, which may have been moved or copied."""
    with corrected(path) as connection:
        rebase(connection, artifacts_address(path))


def end_killed(path: Path, task: str) -> None:
    """Ends the open runs of killed processes; the caller holds the lock of the task, so that no other run is open."""
    with corrected(path) as connection:
        connection.execute(
            "UPDATE runs SET status = 'KILLED', end_time = ? WHERE status = 'RUNNING' "
            "AND experiment_id IN (SELECT experiment_id FROM experiments WHERE name = ?)",
            (time.time_ns() // 1_000_000, task),
        )


@contextmanager
def corrected(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction; raises `DnnPortingError` where it fails."""
    try:
        with closing(connected(path)) as connection, connection:
            yield connection
    except sqlite3.Error as error:
        raise DnnPortingError(f"{path} cannot be corrected {explained(error, f'{SQLITE}{path}')}") from error


def rebase(connection: sqlite3.Connection, here: str) -> None:
    """Replaces all former folders of artefacts by `here`."""
    if before := former_folders(connection, here):
        connection.create_function("rebased", 1, lambda place: rebased(place, before, here))
        for table, column in ADDRESSES:
            connection.execute(
                f"UPDATE {table} SET {column} = rebased({column}) "  # noqa: S608
                f"WHERE typeof({column}) = 'text' AND length({column}) <= {LONGEST}"
            )
    # Runs of a workspace write to the folder of its database only, even where a foreign database names another one.
    connection.execute(
        "UPDATE experiments SET artifact_location = ? "
        "WHERE artifact_location IS NULL OR artifact_location NOT IN (?, ? || '/' || experiment_id)",
        (here, here, here),
    )


def former_folders(connection: sqlite3.Connection, here: str) -> set[str]:
    """The folders of artefacts at former places of the database."""
    places = connection.execute("SELECT CAST(artifact_location AS TEXT) FROM experiments")
    found = (OWN_FOLDER.fullmatch(place or "") for (place,) in places)
    return {match[1] for match in found if match} - {here}


def rebased(place: str, before: set[str], here: str) -> str:
    """An address with `here` instead of a former folder, where it lies in one."""
    for end in (found.end() for found in FOLDER.finditer(place)):
        if place[:end] in before:
            return here + place[end:]
    return place
