"""An untrusted folder, read within limits and never left through links."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from profiler.common.errors import BadInputError

Kind = Literal["file", "folder", "other", "missing", "outside"]
MAX_LINKS = 40
MAX_ENTRIES = 100_000
MAX_PATH_BYTES = 4096


@dataclass(frozen=True)
class Place:
    """The end of a path below the root after its links are followed; `outside` where a step leads out of the root."""

    kind: Kind
    parts: tuple[str, ...]
    size: int = 0


class Tree:
    """The view of lint on the file system; raises `BadInputError` for a root that is no folder."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        if not self.root.is_dir():
            raise BadInputError(f"{root} is no folder: give the root of a Triton model repository")

    def place(self, path: str) -> Place:
        """The place of `path`, relative to the root; nothing outside of the root is accessed."""
        ahead, links = split(path)[::-1], 0
        found: list[str] = []
        while ahead:
            step = ahead.pop()
            if step == "..":
                if not found:
                    return Place("outside", ())
                found.pop()
                continue
            found.append(step)
            status = self._status(found)
            if status is None:
                return Place("missing", tuple(found))
            if stat.S_ISLNK(status.st_mode):
                links += 1
                inside = self._inside(str(self.root.joinpath(*found).readlink()), found[:-1])
                if inside is None:
                    return Place("outside", ())
                if links > MAX_LINKS:
                    return Place("missing", tuple(found))
                found = []
                ahead += inside[::-1]
        status = self._status(found)
        return Place("missing", tuple(found)) if status is None else Place(kind(status), tuple(found), status.st_size)

    def _status(self, parts: list[str]) -> os.stat_result | None:
        """The status of a path without following a link, `None` where there is none or it is not accessible."""
        try:
            return self.root.joinpath(*parts).lstat()
        except (OSError, ValueError):
            return None

    def _inside(self, target: str, folder: list[str]) -> list[str] | None:
        """The steps from the root to a link's target, `None` for an absolute target outside of the root."""
        if not target.startswith("/"):
            return [*folder, *split(target)]
        root = self.root.parts[1:]
        steps = split(target)
        return steps[len(root) :] if tuple(steps[: len(root)]) == root else None

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted: at most 100,000, and none where it is no readable folder."""
        place = self.place(path)
        if place.kind != "folder":
            return []
        try:
            with os.scandir(self.root.joinpath(*place.parts)) as entries:
                return sorted(entry.name for entry in islice(entries, MAX_ENTRIES))
        except OSError:
            return []

    def is_link(self, path: str) -> bool:
        """Whether the last step itself is a link."""
        status = self._status(split(path))
        return status is not None and stat.S_ISLNK(status.st_mode)

    @contextmanager
    def opened(self, path: str) -> Iterator[int | None]:
        """A descriptor for reading a file, `None` where it is no file of this tree or cannot be opened."""
        descriptor = self._open(self.place(path))
        try:
            yield descriptor
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _open(self, place: Place) -> int | None:
        if place.kind != "file":
            return None
        # The flags avoid waiting for a pipe and following a link that has replaced the file.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            return os.open(self.root.joinpath(*place.parts), flags)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise
            return None

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """The first `limit_bytes` of a file, `None` where it cannot be read."""
        with self.opened(path) as descriptor:
            if descriptor is None:
                return None
            with os.fdopen(os.dup(descriptor), "rb") as file:
                return file.read(limit_bytes)


def split(path: str) -> list[str]:
    """The steps of a path; a leading slash is ignored, as Triton joins paths."""
    if len(os.fsencode(path)) > MAX_PATH_BYTES or "\0" in path:
        # No file can have this name.
        return ["\0"]
    return [step for step in path.split("/") if step not in ("", ".")]


def kind(status: os.stat_result) -> Kind:
    """The kind of a file by its status."""
    if stat.S_ISREG(status.st_mode):
        return "file"
    return "folder" if stat.S_ISDIR(status.st_mode) else "other"
