"""MLflow's addresses: a database file, and the artefacts that lie beside it."""

import sqlite3
from pathlib import Path

SQLITE, ARTIFACTS = "sqlite:///", "mlartifacts"
# Another run writes for milliseconds; MLflow itself waits for 5 s.
BUSY_S = 3.0


def database_of(uri: str) -> Path | None:
    """The file of an MLflow address, `None` for a server or another database."""
    return Path(uri.removeprefix(SQLITE)).absolute() if uri.startswith(SQLITE) else None


def connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_S)


def artifacts_beside(path: Path) -> str:
    """The address of the artefacts of a database, which lie beside it."""
    return (path.parent / ARTIFACTS).as_uri()
