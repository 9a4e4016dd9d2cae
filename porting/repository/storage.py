"""Where a repository's files are read from: a folder, or any place that fsspec has an address for."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from profiler.common import door
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.parse import parsed, shown

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

LATEST, LATEST_LIMIT_BYTES = "latest.json", 1024
MOST_PATHS = 100_000
PUBLISH = "correct the address, or publish with dnn-porting stage=publish"
NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$"


class Latest(BaseModel):
    """`latest.json`: the release of a store that is to be read."""

    release: str = Field(pattern=NAME)


class Storage(ABC):
    """The files of one repository, which stay those of one release while others are published."""

    @staticmethod
    def at(url: str | Path) -> "Storage":
        """A local folder, its link resolved, or the latest release in the store of an address like `s3://bucket/a`.

        Raises `BadInputError` for an address of no known kind and a broken `latest.json`, and `DnnPortingError`
        where the store cannot be reached.
        """
        if "://" not in str(url):
            return LocalStorage(Path(url))
        filesystem, path = opened(str(url))
        return LocalStorage(Path(path)) if is_local(filesystem) else RemoteStorage(filesystem, path).followed()

    def read(self, *parts: str, limit_bytes: int) -> bytes:
        """The file of the plain names `parts`, one below the other.

        Raises `BadInputError` where it is missing, larger than `limit_bytes` or not inside of the repository, and
        `DnnPortingError` where the store cannot be reached.
        """
        for part in parts:
            check_name(part)
        content = self._beginning(parts, limit_bytes + 1)
        if content is None or len(content) > limit_bytes:
            raise BadInputError(
                f"{self}/{'/'.join(parts)} is larger than {limit_bytes} bytes, the most that is read of such a file: "
                "publish the repository again"
            )
        return content

    @property
    @abstractmethod
    def local(self) -> Path:
        """The folder; raises `BadInputError` where the repository is elsewhere."""

    def paths(self, *_parts: str) -> set[str] | None:
        """All that lies below, by its path; `None` where that cannot be listed.

        Raises `BadInputError` for a link or a special file among it.
        """
        return None

    @abstractmethod
    def _beginning(self, parts: tuple[str, ...], size_bytes: int) -> bytes | None:
        """A file, or as much of it, `None` where it is known to be no smaller; raises `BadInputError` without one."""


def check_name(name: str) -> None:
    """Raises `BadInputError` for what is no plain name, or more than a name to a shell."""
    if not re.fullmatch(NAME, name):
        raise BadInputError(f"{name!r:.160} is no file name of a repository: use letters, digits, '_', '.' and '-'")


class LocalStorage(Storage):
    """A folder of this machine, in which no link is followed."""

    def __init__(self, folder: Path) -> None:
        # One real path for all reads: the link may move to another repository meanwhile.
        self._folder = Path(os.path.realpath(folder))
        self._opened = self._folder.is_dir()

    def __str__(self) -> str:
        return str(self._folder)

    @property
    def local(self) -> Path:
        return self._folder

    def paths(self, *parts: str) -> set[str]:
        """All that lies below, by its path there, each folder with a slash at its end."""
        top = self._folder.joinpath(*parts)
        found: set[str] = set()
        waiting = [top]
        while waiting:
            for entry in self._entries(waiting.pop()):
                name = os.path.relpath(entry.path, self._folder)
                if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
                    raise BadInputError(
                        f"{self}/{shown(name)} is a link or a special file: remove it, or publish again"
                    )
                if entry.is_dir():
                    waiting.append(Path(entry.path))
                found.add(os.path.relpath(entry.path, top) + "/" * entry.is_dir())
                if len(found) > MOST_PATHS:
                    raise BadInputError(f"{top} holds more than {MOST_PATHS} files: publish again")
        return found

    def _entries(self, folder: Path) -> list["os.DirEntry[str]"]:
        try:
            self._check_no_link(folder)
            with os.scandir(folder) as entries:
                return list(islice(entries, MOST_PATHS + 1))
        except (BadInputError, OSError) as error:
            raise self._unreadable(folder, error) from error

    def _beginning(self, parts: tuple[str, ...], size_bytes: int) -> bytes | None:
        path = self._folder.joinpath(*parts)
        try:
            self._check_no_link(path)
            with door.opened(path, PUBLISH, links=False) as file:
                # The buffer is as large as what is asked for, and limits are larger than most files.
                size = os.fstat(file.fileno()).st_size
                return None if size >= size_bytes else file.read(size + 1)
        except (BadInputError, OSError) as error:
            raise self._unreadable(path, error) from error

    def _check_no_link(self, path: Path) -> None:
        """Raises `BadInputError` for a link anywhere on the way from the folder to the path."""
        for place in (path, *path.parents):
            if place == self._folder:
                return
            if place.is_symlink():
                raise BadInputError(f"{place} is a link, and a repository has none: replace it by the file")

    def _unreadable(self, path: Path, error: Exception) -> BadInputError:
        """Says where all of it is gone that somebody else published it anew."""
        if self._opened and not self._folder.is_dir():
            return BadInputError(f"{self} was replaced by later publications since it was opened: open it again")
        return error if isinstance(error, BadInputError) else door.unreadable(path, error, PUBLISH)


class RemoteStorage(Storage):
    """A place that fsspec reads."""

    def __init__(self, filesystem: "AbstractFileSystem", path: str) -> None:
        from porting.repository.web import WebFiles

        self._filesystem, self._path = filesystem, path.rstrip("/")
        self._web = WebFiles(filesystem) if "https" in filesystem.protocol else None

    def __str__(self) -> str:
        return str(self._filesystem.unstrip_protocol(self._path))

    @property
    def local(self) -> Path:
        raise BadInputError(f"{self} is not on this machine, and this needs its files: copy it to a local folder first")

    def followed(self) -> Storage:
        """The latest release, or this place itself where it is no store of releases."""
        try:
            content = self.read(LATEST, limit_bytes=LATEST_LIMIT_BYTES)
        except BadInputError as error:
            # Who may not list a bucket is told that a missing file is forbidden.
            if isinstance(error.__cause__, FileNotFoundError | PermissionError):
                return self
            raise
        # The copy waits for the same server, and has as much patience left.
        found = copy(self)
        found._path += "/" + parsed(Latest, content, f"{self}/{LATEST}").release
        return found

    def _beginning(self, parts: tuple[str, ...], size_bytes: int) -> bytes:
        path = "/".join((self._path, *parts))
        with store_errors(f"{self}/{'/'.join(parts)}"):
            if self._web:
                return self._web.beginning(path, size_bytes)
            # One request, so that a file which is replaced meanwhile is read whole.
            return bytes(self._filesystem.cat_file(path, start=0, end=size_bytes))


def opened(url: str) -> tuple["AbstractFileSystem", str]:
    """The file system of an address, and the path in it; raises `BadInputError` where there is none."""
    try:
        from fsspec.core import url_to_fs

        from porting.repository.web import web_options

        filesystem, path = url_to_fs(url, **web_options(url))
    except ImportError as error:
        raise BadInputError(
            f"{url} needs another package ({one_line(error)}): pip install 'dnn-porting[s3]'"
        ) from error
    except ValueError as error:
        raise BadInputError(f"{url} cannot be used ({one_line(error)}): give a folder, s3:// or https://") from error
    return filesystem, path


def is_local(filesystem: "AbstractFileSystem") -> bool:
    """Whether its files are this machine's."""
    from fsspec.implementations.local import LocalFileSystem

    return isinstance(filesystem, LocalFileSystem)


@contextmanager
def store_errors(place: str) -> Iterator[None]:
    """Every store has its own errors; outside of here they are the package's."""
    try:
        yield
    except DnnPortingError:
        raise
    except FileNotFoundError as error:
        raise missing(place) from error
    except PermissionError as error:
        raise BadInputError(f"{place} is forbidden ({one_line(error)}): check credentials and permissions") from error
    except Exception as error:
        raise DnnPortingError(
            f"{place} cannot be reached ({one_line(error)}): check address, credentials and network"
        ) from error


def missing(place: str) -> BadInputError:
    return BadInputError(f"{place} does not exist: {PUBLISH}")


def one_line(error: Exception) -> str:
    """What an error says, or its name where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__
