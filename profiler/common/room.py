"""A full disk is named: the system says that there is no space, and not where."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
# Less than this is none: a write that does not fit leaves a part of a page.
NONE_BYTES = 1 << 16


@contextmanager
def naming(place: Path) -> Iterator[None]:
    """Makes an error of a full disk name the place that is written to, where it names nothing or what is read."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL and error.filename2:
            error.filename, error.filename2 = error.filename2, None
        elif error.errno in FULL and error.filename is None and is_full(place):
            error.filename = str(place)
        raise


def is_full(place: Path) -> bool:
    """Whether the file system of a folder, or of a file's folder, takes no more."""
    with suppress(OSError):
        found = os.statvfs(place if place.is_dir() else place.parent)
        # Some file systems have no fixed number of files, and say that it is 0.
        return found.f_bavail * found.f_frsize < NONE_BYTES or (found.f_files > 0 and found.f_favail == 0)
    return False
