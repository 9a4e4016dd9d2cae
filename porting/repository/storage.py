"""The storage of a repository's files: a local folder, or any address that fsspec reads."""

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
from profiler.common.door import parsed, shown
from profiler.common.errors import BadInputError, DnnPortingError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

LATEST, LATEST_LIMIT_BYTES = "latest.json", 1024
MOST_PATHS = 100_000
PUBLISH = "correct the address, or publish with dnn-porting stage=publish"
NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$"


class Latest(BaseModel):
    """`latest.json`, with the name of the current release in an object store."""

    release: str = Field(pattern=NAME)


class Storage(ABC):
    """The files of one release of a repository, even while others are published."""

    @staticmethod
    def at(url: str | Path) -> "Storage":
        """The local folder, its link resolved, or the latest release in the store at a URL like `s3://bucket/a`.

        Raises `BadInputError` for an unknown kind of address or a broken `latest.json`, and `DnnPortingError`
        where the store cannot be reached.
        """
        if "://" not in str(url):
            return LocalStorage(Path(url))
        filesystem, path = opened(str(url))
        return LocalStorage(Path(path)) if is_local(filesystem) else RemoteStorage(filesystem, path).followed()

    def read(self, *parts: str, limit_bytes: int) -> bytes:
        """The content of the file at the path of the plain names `parts`.

        Raises `BadInputError` where it is missing, larger than `limit_bytes` or outside of the repository, and
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
        """The folder of the repository; raises `BadInputError` where it is not local."""

    def paths(self, *_parts: str) -> set[str] | None:
        """The paths below a folder, `None` where none are known; raises `BadInputError` for links and special files."""
        return None

    @abstractmethod
    def _beginning(self, parts: tuple[str, ...], size_bytes: int) -> bytes | None:
        """The content of a file, or at most `size_bytes` of it, or `None` for a file that is at least as large.

        Raises `BadInputError` where it cannot be read.
        """


def check_name(name: str) -> None:
    """Raises `BadInputError` for a name with path separators or characters that a shell interprets."""
    if not re.fullmatch(NAME, name):
        raise BadInputError(f"{name!r:.160} is no file name of a repository: use letters, digits, '_', '.' and '-'")


class LocalStorage(Storage):
    """A folder of this machine, in which no link is followed."""

    def __init__(self, folder: Path) -> None:
        # All reads use one real path, because the link may move to another repository meanwhile.
        self._folder = Path(os.path.realpath(folder))
        self._opened = self._folder.is_dir()

    def __str__(self) -> str:
        return str(self._folder)

    @property
    def local(self) -> Path:
        """The folder."""
        return self._folder

    def paths(self, *parts: str) -> set[str]:
        """The relative paths of all files and folders below a folder, folders with a slash at the end."""
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
                # The read buffer has the requested size, and limits are larger than most files.
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
        """The error of a failed read, with another message where a later publication removed the folder."""
        if self._opened and not self._folder.is_dir():
            return BadInputError(f"{self} was replaced by later publications since it was opened: open it again")
        return error if isinstance(error, BadInputError) else door.unreadable(path, error, PUBLISH)


class RemoteStorage(Storage):
    """A repository that fsspec reads."""

    def __init__(self, filesystem: "AbstractFileSystem", path: str) -> None:
        from porting.repository.web import WebFiles

        self._filesystem, self._path = filesystem, path.rstrip("/")
        self._web = WebFiles(filesystem) if "https" in filesystem.protocol else None

    def __str__(self) -> str:
        return str(self._filesystem.unstrip_protocol(self._path))

    @property
    def local(self) -> Path:
        """Raises `BadInputError`, as there is no local folder."""
        raise BadInputError(f"{self} is not on this machine, and this needs its files: copy it to a local folder first")

    def followed(self) -> Storage:
        """The storage of the latest release, or this one itself where the address has no releases."""
        try:
            content = self.read(LATEST, limit_bytes=LATEST_LIMIT_BYTES)
        except BadInputError as error:
            # Without permission to list a bucket, S3 reports a missing file as forbidden.
            if isinstance(error.__cause__, FileNotFoundError | PermissionError):
                return self
            raise
        # The copy shares the time budget for the same server.
        found = copy(self)
        found._path += "/" + parsed(Latest, content, f"{self}/{LATEST}").release
        return found

    def _beginning(self, parts: tuple[str, ...], size_bytes: int) -> bytes:
        path = "/".join((self._path, *parts))
        with store_errors(f"{self}/{'/'.join(parts)}"):
            if self._web:
                return self._web.beginning(path, size_bytes)
            # A single request reads a consistent file even if it is replaced meanwhile.
            return bytes(self._filesystem.cat_file(path, start=0, end=size_bytes))


def opened(url: str) -> tuple["AbstractFileSystem", str]:
    """The file system of a URL, and the path in it; raises `BadInputError` for an unusable URL."""
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
    """Whether a file system is the local one."""
    from fsspec.implementations.local import LocalFileSystem

    return isinstance(filesystem, LocalFileSystem)


@contextmanager
def store_errors(place: str) -> Iterator[None]:
    """Replaces the errors of any store by those of this package."""
    try:
        yield
    except DnnPortingError:
        raise
    except FileNotFoundError as error:
        raise BadInputError(f"{place} does not exist: {PUBLISH}") from error
    except PermissionError as error:
        raise BadInputError(f"{place} is forbidden ({one_line(error)}): check credentials and permissions") from error
    except Exception as error:
        raise DnnPortingError(
            f"{place} cannot be reached ({one_line(error)}): check address, credentials and network"
        ) from error


def one_line(error: Exception) -> str:
    """The message of an error on one line, or its type where it has no message."""
    return " ".join(str(error).split()) or type(error).__name__
