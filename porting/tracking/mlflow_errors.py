"""The errors of MLflow in one line, with the fix for the user."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from porting.tracking.database_schema import database_of
from profiler.common.errors import DnnPortingError, disk_of, fix_of, is_full, missing_place, more_room

# The fix by the second word of SQLite's error name; all other errors are damage.
FIXES = {
    "BUSY": "wait until the other process that uses {path} ends, or stop it",
    "READONLY": "make {path} and its folder writable",
}
SHOWN = 300
OFF = "tracking.enabled=false"


def explained(error: Exception, uri: str) -> str:
    """The reason of a failure, in the words of the database where there are any, and the fix."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, sqlite3.Error):
        cause = getattr(cause, "orig", None) or cause.__cause__ or cause.__context__
    reason = (str(cause or error).strip().splitlines() or [type(error).__name__])[0][:SHOWN]
    return f"({reason}): {fix_for(cause or error, database_of(uri))}"


def fix_for(error: BaseException, path: Path | None) -> str:
    """The fix for an error of SQLite, the system or MLflow."""
    name = error_word(error) if isinstance(error, sqlite3.Error) else ""
    if path is not None and name and not path.parent.exists():
        return missing_place(path.parent)
    if path is not None and (name == "FULL" or is_full(path)):
        return f"the disk at {disk_of(path)} has no room: {more_room(path)}, and run the same command to go on"
    if name in FIXES:
        return FIXES[name].format(path=path)
    if isinstance(error, OSError):
        return fix_of(error.errno, path) or "mend it"
    return "mend it" if path is None else f"move {path}* away, and a new one is made"


def error_word(error: sqlite3.Error) -> str:
    """The second word of SQLite's own name for an error, such as FULL; Python's own errors have none."""
    return getattr(error, "sqlite_errorname", "SQLITE_ERROR").split("_")[1]


@contextmanager
def one_line_errors(uri: str, what: str, off: str) -> Iterator[None]:
    """Replaces any error of MLflow by a `DnnPortingError`, as a foreign database can cause any error.

    `what` is the object that MLflow refuses, `off` the setting that avoids the call.
    """
    try:
        yield
    except DnnPortingError:
        raise
    except Exception as error:
        raise DnnPortingError(f"MLflow does not take the {what} {explained(error, uri)}, or set {off}") from error


class CheckedClient:
    """The client of MLflow, whose calls raise no errors but `DnnPortingError`."""

    def __init__(self, client: object, uri: str, what: str, off: str) -> None:
        self._client, self._words = client, (uri, what, off)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def ask(*arguments: object, **named: object) -> object:
            with one_line_errors(*self._words):
                return method(*arguments, **named)

        return ask
