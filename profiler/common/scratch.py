"""Private temporary folders with names that are safe in a shell; later runs remove those of dead processes."""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from profiler.common.errors import BadInputError, naming

PREFIX = "dnn-porting-scratch-"
# The names of scratch folders: a purpose and eight random characters.
SCRATCH_NAME = re.compile(rf"{PREFIX}[a-z-]+-[a-z0-9_]{{8}}")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
# Triton passes paths to a shell.
SAFE = re.compile(r"/[A-Za-z0-9_./-]*")
ELSEWHERE = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
# The present folders of this process.
FOLDERS: set[Path] = set()


@dataclass(frozen=True)
class Scratch:
    """A folder of mode 0700, and the descriptor whose lock shows that its owner or a child with it is alive."""

    folder: Path
    descriptor: int


@contextmanager
def scratch(purpose: str, place: Path | None = None) -> Iterator[Scratch]:
    """A new folder named after the purpose, removed when the block ends; leftovers of dead runs are removed too.

    In `/dev/shm` as the `place`, shared memory whose name begins with the folder's name is removed with it.
    """
    place = place or safe_place()
    remove_abandoned(place)
    folder, descriptor = locked(purpose, place)
    try:
        FOLDERS.add(folder)
        try:
            with naming(place):
                yield Scratch(folder, descriptor)
        finally:
            remove(folder)
            FOLDERS.discard(folder)
            # A child process of a dead run may have held its lock until now.
            remove_abandoned(place)
    finally:
        os.close(descriptor)


def locked(purpose: str, place: Path) -> tuple[Path, int]:
    """A new folder, and the descriptor that holds its lock; another one where a process removes it before that."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{purpose}-", dir=place))
        descriptor = None
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            folder.lstat()
            return folder, descriptor
        if descriptor is not None:
            os.close(descriptor)


def safe_place() -> Path:
    """The directory for temporary files, or another one where its name is not safe in a shell."""
    for name in (tempfile.gettempdir(), *ELSEWHERE):
        if SAFE.fullmatch(name) and os.access(name, os.W_OK | os.X_OK):
            return Path(name)
    raise BadInputError(
        f"no place for temporary files: neither {', '.join((tempfile.gettempdir(), *ELSEWHERE))} is a writable folder "
        "of letters, digits, '_', '.', '-' and '/': set TMPDIR to one"
    )


def remove_abandoned(place: Path) -> None:
    """Removes this user's scratch folders in `place` that no living process has locked."""
    for folder in place.glob(f"{PREFIX}*"):
        # A folder that cannot be removed belongs to another user, or has been removed already.
        with suppress(OSError):
            remove_unlocked(folder)


def remove_unlocked(folder: Path) -> None:
    """Removes a scratch folder of this user; raises `OSError` where a process holds its lock, and for a link."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid() and SCRATCH_NAME.fullmatch(folder.name):
            # A lock is valid across PID namespaces; a process number is not.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(folder)
    finally:
        os.close(descriptor)


def remove(folder: Path) -> None:
    """Removes the shared memory that is named after the folder, then the folder itself."""
    for region in folder.parent.glob(f"{folder.name}?*") if folder.parent == SHARED_MEMORY else ():
        with suppress(OSError):
            region.unlink()
    shutil.rmtree(folder, ignore_errors=True)
