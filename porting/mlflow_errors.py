"""What MLflow raises, as one line with what a user can do about it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from porting.mlflow_address import database_of
from profiler.common.ending import FIXES, gone
from profiler.common.errors import DnnPortingError

# By the second word of SQLite's own names for what went wrong; anything else is damage.
MEND = {
    "FULL": "make room on the disk of {path}, and run the same command to go on",
    "BUSY": "wait until the other process that uses {path} ends, or stop it",
    "READONLY": "make {path} and its folder writable",
}
SHOWN = 300
OFF = "tracking.enabled=false"


def explained(error: Exception, uri: str) -> str:
    """Why MLflow failed, in its database's own words where it has any, and what a user can do about it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, sqlite3.Error):
        cause = getattr(cause, "orig", None) or cause.__cause__ or cause.__context__
    reason = (str(cause or error).strip().splitlines() or [type(error).__name__])[0][:SHOWN]
    path = database_of(uri)
    fix = "mend it" if path is None else f"move {path}* away, and a new one is made"
    if path is not None and isinstance(cause, sqlite3.Error) and not path.exists():
        fix = gone(path)
    elif isinstance(cause, sqlite3.Error) and word(cause) in MEND:
        fix = MEND[word(cause)].format(path=path)
    elif isinstance(error, OSError):
        fix = FIXES.get(error.errno or 0, "mend it")
    return f"({reason}): {fix}"


def word(error: sqlite3.Error) -> str:
    """The second word of SQLite's own name for an error, such as FULL; Python's own errors have none."""
    return getattr(error, "sqlite_errorname", "SQLITE_ERROR").split("_")[1]


@contextmanager
def told(uri: str, what: str, off: str) -> Iterator[None]:
    """Makes a `DnnPortingError` of whatever MLflow raises: a database from elsewhere can make it raise anything.

    `what` is not taken then, and `off` is the setting with which nobody asks for that.
    """
    try:
        yield
    except DnnPortingError:
        raise
    except Exception as error:
        raise DnnPortingError(f"MLflow does not take the {what} {explained(error, uri)}, or set {off}") from error


class Asked:
    """MLflow's client, each call of which ends well or in a `DnnPortingError`."""

    def __init__(self, client: object, uri: str, what: str, off: str) -> None:
        self._client, self._words = client, (uri, what, off)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def ask(*arguments: object, **named: object) -> object:
            with told(*self._words):
                return method(*arguments, **named)

        return ask
