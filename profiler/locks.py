"""Locks that a dead process does not hold: the kernel drops them with the process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from profiler.errors import BadInputError


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Holds the lock file; raises `BadInputError` with the holder's process id where somebody else does.

    `what` names the locked thing in that message. Children that are started by exec do not inherit it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise BadInputError(f"{what} is in use by process {holder}: wait until it ends, or stop it") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
