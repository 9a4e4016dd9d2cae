"""Private temporary folders with names that are safe in a shell; a later run removes those of dead processes."""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from profiler.common.errors import BadInputError
from profiler.common.fixes import naming

PREFIX = "dnn-porting-scratch-"
# What `scratch` makes, and nobody types: a purpose and eight random characters.
MADE = re.compile(rf"{PREFIX}[a-z-]+-[a-z0-9_]{{8}}")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
# Triton hands paths to a shell.
SAFE = re.compile(r"/[A-Za-z0-9_./-]*")
ELSEWHERE = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
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
    folder, descriptor = locked(purpose, place)
    try:
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


def locked(purpose: str, place: Path) -> tuple[Path, int]:
    """A new folder, and the descriptor that holds its lock.

    Another process takes a folder without a lock for that of a dead one: where it was quicker, there is a next folder.
    """
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
    for folder in place.glob(f"{PREFIX}*"):
        # What cannot be removed is somebody else's, or gone already.
        with suppress(OSError):
            remove_unlocked(folder)


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
