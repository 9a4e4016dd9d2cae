"""Folders that appear whole or not at all, even if the writer is killed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from profiler.common.errors import naming
from profiler.common.files import UNFINISHED, flush_place


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name when the block succeeds and is removed when it fails."""
    temporary, replaced = (path.with_name(f"{UNFINISHED}{part}{path.name}") for part in ("", "replaced-"))
    for leftover in (temporary, replaced):
        remove(leftover)
    temporary.mkdir(parents=True)
    try:
        with naming(temporary):
            yield temporary
            flush(temporary)
        # The old folder is renamed first, as removing it takes time.
        if os.path.lexists(path):
            path.rename(replaced)
        temporary.rename(path)
        flush_place(path.parent)
    finally:
        for leftover in (temporary, replaced):
            remove(leftover)


def flush(path: Path) -> None:
    """Makes a file, or a folder with its content, survive a power cut."""
    for place in (*path.rglob("*"), path):
        flush_place(place)


def remove(path: Path) -> None:
    """Removes a file, a link, or a folder with its content, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Removes the unfinished files and folders that a killed writer left in `folder`."""
    for leftover in folder.glob(f"{UNFINISHED}*"):
        remove(leftover)
