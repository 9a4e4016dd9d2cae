"""Locks that the kernel releases when their process ends."""

import argparse
import errno
import fcntl
import os
import socket
import stat
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from profiler.common.errors import BadInputError, fix_of
from profiler.common.profile_settings import DAY_S

# An abstract socket has one name for all users and TMPDIRs of a network namespace, and no file that could be a link.
HOST = b"\0dnn-porting-profiler"
FOLDER = "DNN_PORTING_LOCK_FOLDER"
IDS = struct.Struct("3i")
LOOKS_EVERY_S = 1.0


def seconds(text: str) -> float:
    """The seconds of an argument; raises `ValueError` for a negative number."""
    if not (value := float(text)) >= 0:
        raise ValueError(text)
    return value


def add_wait(parser: argparse.ArgumentParser, default_s: float | None, shown: str) -> None:
    """Adds the option for the wait for another run on this host; `shown` describes the default."""
    words = f"the longest wait for another run that measures on this machine; 0: none; default: {shown}"
    parser.add_argument("--wait", type=seconds, default=default_s, metavar="SECONDS", help=words)


class InUseError(BadInputError):
    """Another process holds a lock; `holder` are the words for that process."""

    def __init__(self, words: str, holder: str = "another process") -> None:
        super().__init__(words)
        self.holder = holder

    def is_own(self) -> bool:
        """Whether this process itself is the holder."""
        return f"{self.holder} ".startswith(f"process {os.getpid()} ")


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Holds the lock file of `what`; raises `BadInputError` with the holder's process id where another one holds it.

    Links are not followed, the file is not written, and a child that is started by exec does not inherit the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(opened(path)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise in_use(what, holder_of(file.fileno())) from error
        yield


def opened(path: Path) -> int:
    """A descriptor of the lock file, created where missing; raises `BadInputError` for anything but a regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        fix = fix_of(error.errno, path) or "remove it"
        raise BadInputError(f"lock file {path} cannot be opened ({error.strerror}): {fix}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadInputError(f"lock file {path} is no plain file: remove it")
    return descriptor


def holder_of(descriptor: int) -> str:
    """The process that holds the lock, from the kernel's table of locks."""
    with suppress(OSError):
        inode = os.fstat(descriptor).st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == str(inode):
                return f"process {fields[4]}"
    return "another process"


@contextmanager
def alone_on_host(what: str, wait_s: float = DAY_S) -> Iterator[None]:
    """Holds the lock of this host; while another process holds the lock, this one waits, and prints a line.

    Raises `InUseError` after `wait_s`, and at once where this process itself is the holder.
    """
    until, named = time.monotonic() + wait_s, ""
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock_of_host(what))
                break
            except InUseError as error:
                left_s = until - time.monotonic()
                if left_s <= 0 or error.is_own():
                    raise
                if named != error.holder:
                    named = error.holder
                    print(f"{what} is in use by {named}: this run waits {left_s:,.0f} s at most", file=sys.stderr)
                time.sleep(min(left_s, LOOKS_EVERY_S))
        yield


def lock_of_host(what: str) -> AbstractContextManager[None]:
    """The lock of the folder that the variable `FOLDER` names, as tests have it, or the one lock of this host."""
    return exclusive(Path(folder) / "profiler", what) if (folder := os.environ.get(FOLDER)) else host_lock(what)


@contextmanager
def host_lock(what: str) -> Iterator[None]:
    """Holds the one lock of this host, for all users; raises `BadInputError` that names the holder."""
    with socket.socket(socket.AF_UNIX) as guard:
        try:
            guard.bind(HOST)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise in_use(what, host_holder()) from error
        guard.listen()
        yield


def host_holder() -> str:
    """The process and user that hold the host's lock: the kernel knows who listens on the socket."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as caller:
        caller.setblocking(False)
        caller.connect(HOST)
        process, user, _ = IDS.unpack(caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, IDS.size))
        # The kernel names no process of another PID namespace.
        return f"process {process} of user {user}" if process else f"user {user} in another container"
    return "another process"


def in_use(what: str, holder: str) -> InUseError:
    """The error for a lock that another process holds."""
    return InUseError(f"{what} is in use by {holder}: wait until it ends, or stop it", holder)
