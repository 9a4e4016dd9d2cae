"""What a piece of work opened, listed or changed; the first two by Python's own audit events."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EVENTS = ("open", "os.listdir", "os.scandir")
_lists: list[list[str]] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _lists and event in EVENTS and isinstance(arguments[0], str | bytes | os.PathLike):
        path = os.fsdecode(arguments[0])
        # Modules are loaded when they are first needed.
        if not path.startswith((sys.prefix, sys.base_prefix)):
            _lists[-1].append(path)


# A hook cannot be taken away again, so there is one, which looks whether anybody asks.
sys.addaudithook(_note)


def state(folder: Path) -> dict[Path, tuple[int, ...]]:
    """All in a folder with its kind, size and last change."""
    found = {path: path.lstat() for path in (folder, *folder.rglob("*"))}
    return {path: (one.st_mode, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for path, one in found.items()}


@contextmanager
def opened_paths() -> Iterator[list[str]]:
    """The paths that are opened or listed in the block."""
    paths: list[str] = []
    _lists.append(paths)
    try:
        yield paths
    finally:
        _lists.pop()
