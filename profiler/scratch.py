"""Private temporary folders with names that are safe in a shell; a later run removes those of dead processes."""

import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from profiler.errors import BadInputError
from profiler.room import naming

PREFIX, UNLOCKED = "dnn-porting-scratch-", ".new-dnn-porting-scratch-"
# What `scratch` makes, and nobody types: a purpose and eight random characters.
MADE = re.compile(rf"(\.new-)?{PREFIX}[a-z-]+-[a-z0-9_]{{8}}")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
# Triton hands paths to a shell.
SAFE = re.compile(r"/[A-Za-z0-9_./-]*")
ELSEWHERE = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
# A process that dies between making a folder and locking it leaves one without a lock.
STALE_S = 3600.0
# The folders of this process that are there now.
OPEN: set[Path] = set()


@dataclass(frozen=True)
class Scratch:
    """A folder of mode 0700, and the descriptor whose lock says that its owner lives.

    A child process that is given the descriptor keeps the folder alive as long as it lives itself.
    """

    folder: Path
    descriptor: int


@contextmanager
def scratch(purpose: str, place: Path | None = None) -> Iterator[Scratch]:
    """A new folder named after the purpose, which is gone when the block ends; leftovers of dead runs go too.

    It lies among the temporary files unless another `place` is named. Shared memory whose name begins with its name
    goes with it where that is `/dev/shm`.
    """
    place = place or safe_place()
    remove_abandoned(place)
    unlocked = Path(tempfile.mkdtemp(prefix=f"{UNLOCKED}{purpose}-", dir=place))
    descriptor = os.open(unlocked, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # It gets its name when it has its lock, so that nobody finds it without one.
        folder = unlocked.rename(place / unlocked.name.removeprefix(".new-"))
        OPEN.add(folder)
        try:
            with naming(place):
                yield Scratch(folder, descriptor)
        finally:
            remove(folder)
            OPEN.discard(folder)
            # What a dead run had started may have lived a little longer.
            remove_abandoned(place)
    finally:
        os.close(descriptor)


def safe_place() -> Path:
    """The directory for temporary files, or another one where its name could be more than a path to a shell."""
    for name in (tempfile.gettempdir(), *ELSEWHERE):
        if SAFE.fullmatch(name) and os.access(name, os.W_OK | os.X_OK):
            return Path(name)
    raise BadInputError(
        f"no place for temporary files: neither {', '.join((tempfile.gettempdir(), *ELSEWHERE))} is a writable folder "
        "of letters, digits, '_', '.', '-' and '/': set TMPDIR to one"
    )


def remove_abandoned(place: Path) -> None:
    """Removes the scratch folders in `place` that no living process has locked; those of other users stay."""
    for folder in (*place.glob(f"{PREFIX}*"), *stale(place)):
        # What cannot be removed is somebody else's, or gone already.
        with suppress(OSError):
            remove_unlocked(folder)


def stale(place: Path) -> list[Path]:
    """Folders that were made long ago and never got their lock."""
    found = []
    for folder in place.glob(f"{UNLOCKED}*"):
        with suppress(OSError):
            if time.time() - folder.lstat().st_mtime > STALE_S:
                found.append(folder)
    return found


def remove_unlocked(folder: Path) -> None:
    """Removes a folder of ours, unless a process holds its lock; raises `OSError` where it does, or for a link."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid() and MADE.fullmatch(folder.name):
            # Locks reach across PID namespaces, where a process number means nothing.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(folder)
    finally:
        os.close(descriptor)


def remove(folder: Path) -> None:
    """Removes the folder, and the shared memory of its name before: it is the mark by which that is found."""
    for region in folder.parent.glob(f"{folder.name}?*") if folder.parent == SHARED_MEMORY else ():
        with suppress(OSError):
            region.unlink()
    shutil.rmtree(folder, ignore_errors=True)
