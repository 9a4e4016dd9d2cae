"""The fixes that a user is offered for errors of the system, by error number; a full disk is named."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FIXES = {
    errno.EACCES: "give this user the right to it, or run as its owner",
    errno.EPERM: "give this user the right to it, or run as its owner",
    errno.EROFS: "choose a place that can be written",
    errno.EMFILE: "raise the limit with 'ulimit -n'",
    errno.EADDRINUSE: "wait until a port is free",
    errno.EADDRNOTAVAIL: "wait until a port is free, or widen net.ipv4.ip_local_port_range",
}
FULL = (errno.ENOSPC, errno.EDQUOT)
# Less free space than this counts as none: a write that does not fit leaves a part of a page.
NONE_BYTES = 1 << 16


def fix_of(number: int | None, place: Path | None) -> str | None:
    """The fix for the error of this number at a place, `None` where none is known."""
    if number in FULL:
        return more_room(place)
    missing = [folder for folder in place.parents if not folder.exists()] if place else []
    if number == errno.ENOENT and missing:
        return gone(missing[-1])
    return FIXES.get(number or 0)


def more_room(place: Path | None) -> str:
    """The fix for a full file system; where it holds the temporary files, another folder for those helps too."""
    return "free some space" + (", or set TMPDIR to another folder" if place and beside_temporary(place) else "")


def beside_temporary(place: Path) -> bool:
    """Whether a file, which need not exist, is on the file system of the temporary files."""
    there = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    with suppress(OSError):
        return there.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev
    return False


def disk_of(place: Path) -> Path:
    """The mount point of an absolute path's file system."""
    return next(folder for folder in (place, *place.parents) if folder.is_mount())


def gone(place: Path) -> str:
    """The fix for a file or folder of this program that has disappeared."""
    return f"{place} is not there: if it was moved, run the same command where it lies now, which goes on"


@contextmanager
def naming(place: Path) -> Iterator[None]:
    """Has an error of a full disk name the written place, where the system names no place or the one that is read."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL and error.filename2:
            error.filename, error.filename2 = error.filename2, None
        elif error.errno in FULL and error.filename is None and is_full(place):
            error.filename = str(place)
        raise


def is_full(place: Path) -> bool:
    """Whether the file system of a folder, or of a file's folder, is full."""
    with suppress(OSError):
        found = os.statvfs(place if place.is_dir() else place.parent)
        # A file system without a fixed number of files reports 0.
        return found.f_bavail * found.f_frsize < NONE_BYTES or (found.f_files > 0 and found.f_favail == 0)
    return False
