"""The database file of MLflow: made completely or not at all, and checked before MLflow opens it."""

import os
import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

from porting.tracking.database_schema import SQLITE, artifacts_address, connected, foreign_code, schema_difference
from porting.tracking.mlflow_errors import OFF, error_word, one_line_errors
from profiler.common.door import opened
from profiler.common.errors import BadInputError
from profiler.common.files import write_atomically
from profiler.common.locks import exclusive
from profiler.common.scratch import scratch

MAGIC = b"SQLite format 3\0"
# Characters of a path that have another meaning in the address of a database.
READ_OTHERWISE = re.compile(r"\?|%[0-9A-Fa-f]{2}")


def ensure_database(path: Path) -> None:
    """Makes the database where there is none; raises `BadInputError` for one that MLflow cannot use.

    MLflow would retry for minutes to open such a file. Its first migration is not one transaction, so that a process
    that dies during it leaves a useless database.
    """
    if READ_OTHERWISE.search(str(path)):
        raise BadInputError(
            f"{path} has a '?' or a code like '%41', which has another meaning for MLflow: choose another folder"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(path):
        make(path)
    check(path, f"move {path}* away, and a new one is made; or set {OFF}")


def make(path: Path) -> None:
    """Makes a new, empty database."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for part in ("-journal", "-wal", "-shm"):
        if os.path.lexists(orphan := path.with_name(path.name + part)):
            raise BadInputError(f"{orphan} has lost its database, and would be taken for a new one's: move it away")
    with scratch("mlflow") as made:
        unfinished = made.folder / path.name
        with one_line_errors(f"{SQLITE}{unfinished}", "new database", OFF):
            store = SqlAlchemyStore(f"{SQLITE}{unfinished}", artifacts_address(path))  # type: ignore[no-untyped-call]
            store.engine.dispose()
        with exclusive(path.with_name(".mlflow.lock"), f"the new {path}"):
            # Another process may have made the database already, and written runs to it.
            if not os.path.lexists(path):
                write_atomically(path, unfinished.read_bytes())


def check(path: Path, fix: str) -> None:
    """Raises `BadInputError` with the fix for anything but a complete, writable database of MLflow.

    The unfinished transaction of a killed process is rolled back.
    """
    with opened(path, fix, links=False) as file:
        is_sqlite = file.read(len(MAGIC)) == MAGIC
    if not is_sqlite:
        raise BadInputError(f"{path} is no SQLite database: {fix}")
    if not all(os.access(place, os.W_OK) for place in (path, path.parent)):
        raise BadInputError(f"{path} cannot be written to: make it and its folder writable, or {fix}")
    try:
        with closing(connected(path)) as connection:
            found = foreign_code(connection) or damage(connection) or schema_difference(connection, upgrade_of(path))
    except sqlite3.Error as error:
        if error_word(error) == "BUSY":
            raise BadInputError(f"{path} is in use by another process: wait until it ends, or stop it") from error
        found = damaged(str(error))
    except MemoryError:
        # Its schema is larger than the memory, which no database of MLflow is.
        found = damaged("it asks for more memory than there is")
    if found:
        raise BadInputError(f"{path} {found} {fix}")


def damage(connection: sqlite3.Connection) -> str | None:
    """The damage that SQLite finds, as a clause for the message; `None` where there is none."""
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    return None if verdict == "ok" else damaged(verdict)


def damaged(why: str) -> str:
    """The clause of the message for a damaged database."""
    return f"is damaged ({why.splitlines()[0]}):"


def upgrade_of(path: Path) -> str:
    """The command that upgrades a database to this version of MLflow."""
    return f"mlflow db upgrade {shlex.quote(f'{SQLITE}{path}')}"
