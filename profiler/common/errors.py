"""The exceptions of the project, whose messages name bad value, valid ones and fix, and the fixes by error number."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class DnnPortingError(Exception):
    """The work failed; results that were finished before are kept."""

    exit_code = 1


class ServerError(DnnPortingError):
    """The inference server did not start, stopped answering, or answered wrongly."""


class BadInputError(DnnPortingError):
    """A value, file or name from the user cannot be used."""

    exit_code = 2


class UnavailableError(BadInputError):
    """This machine or server cannot measure a point, for any model; the point stays missing, others are measured."""


class ModelError(BadInputError):
    """A model file cannot be read, or does not meet the needs of serving."""


class ServerNotFoundError(BadInputError):
    """There is no inference server to measure on."""


class DivergedError(DnnPortingError):
    """The loss of a training is NaN or infinite, so more training would not help."""


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
        return missing_place(missing[-1])
    return FIXES.get(number or 0)


def more_room(place: Path | None) -> str:
    """The fix for a full file system; where it holds the temporary files, another folder for those helps too."""
    existing = (
        next((folder for folder in (place, *place.absolute().parents) if folder.exists()), None) if place else None
    )
    with suppress(OSError):
        if existing and existing.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
            return "free some space, or set TMPDIR to another folder"
    return "free some space"


def disk_of(place: Path) -> Path:
    """The mount point of an absolute path's file system."""
    return next(folder for folder in (place, *place.parents) if folder.is_mount())


def missing_place(place: Path) -> str:
    """The fix for a file or folder of this program that has disappeared."""
    return f"{place} does not exist: if it was moved, run the same command in its new place, which continues the run"


@contextmanager
def naming(place: Path) -> Iterator[None]:
    """Puts the written place into an error of a full disk, where the system names no place or the place of reading."""
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
