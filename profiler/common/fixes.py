"""What a user can do about what the system refuses: its number for the error decides, whoever meets it."""

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
# Less than this is none: a write that does not fit leaves a part of a page.
NONE_BYTES = 1 << 16


def fix_of(number: int | None, place: Path | None) -> str | None:
    """What helps against the error of that number at a place; `None` where nothing is known."""
    if number in FULL:
        return more_room(place)
    missing = [folder for folder in place.parents if not folder.exists()] if place else []
    if number == errno.ENOENT and missing:
        return gone(missing[-1])
    return FIXES.get(number or 0)


def more_room(place: Path | None) -> str:
    """The fix for a full file system; another folder for temporary files helps where it is theirs."""
    return "free some space" + (", or set TMPDIR to another folder" if place and beside_temporary(place) else "")


def beside_temporary(place: Path) -> bool:
    """Whether a file, which need not be there, is on the file system of the temporary files."""
    there = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    with suppress(OSError):
        return there.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev
    return False


def disk_of(place: Path) -> Path:
    """Where the file system of an absolute path begins."""
    return next(folder for folder in (place, *place.parents) if folder.is_mount())


def gone(place: Path) -> str:
    """The fix for a file or folder that this program had, or was to have, and that is not there."""
    return f"{place} is not there: if it was moved, run the same command where it lies now, which goes on"


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
