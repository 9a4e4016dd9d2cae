"""The addresses of MLflow: a database file, and the folder of artefacts beside it."""

import sqlite3
from pathlib import Path

SQLITE, ARTIFACTS = "sqlite:///", "mlartifacts"
# Another run writes for milliseconds; MLflow itself waits for 5 s.
BUSY_S = 3.0


def database_of(uri: str) -> Path | None:
    """The database file of an address, `None` for a server or another database."""
    return Path(uri.removeprefix(SQLITE)).absolute() if uri.startswith(SQLITE) else None


def connected(path: Path) -> sqlite3.Connection:
    """A connection to an existing database file; raises `sqlite3.Error` where there is none."""
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_S)


def artifacts_beside(path: Path) -> str:
    """The address of the folder of artefacts beside a database."""
    return (path.parent / ARTIFACTS).as_uri()
