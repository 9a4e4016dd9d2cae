"""Runs of the command line in processes of their own that are killed at a chosen moment, and their leftovers."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate", "sqlite3.connect"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
PR_SET_CHILD_SUBREAPER = 36
ORPHANS_S, RUN_S, POLL_S = 15.0, 900.0, 0.0005


def changes_a_file(event: str, arguments: Sequence[Any]) -> bool:
    """Whether an audit event is directly before a change on the disk."""
    return event in CHANGES or (event == "open" and bool(arguments[2] & WRITING))


@dataclass(frozen=True)
class Kill:
    """The moment of a kill: after `seconds`, once `seen` is true, or before the `change`-th change of a file.

    `before` is an audit event and a text in its arguments: the run is killed `later` changes after the first such
    event. `first` is whether only the first run of a workspace has such a moment.
    """

    what: str
    number: int = signal.SIGKILL
    group: bool = False
    seconds: float | None = None
    change: int | None = None
    before: tuple[str, str] | None = None
    later: int = 0
    seen: Callable[[], bool] | None = None
    first: bool = False


NEVER = Kill("never")


def adopt_orphans() -> None:
    """Makes this process the parent of the processes that its children leave behind."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(arguments: Sequence[str], kill: Kill, folder: Path, prepare: Callable[[], None]) -> int:
    """The command line in a forked process, with its streams in files of the folder; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        for descriptor, name in enumerate((Path(os.devnull), folder / "out", folder / "err")):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), descriptor)
        prepare()
        from dnn_porting import main

        sys.argv[1:] = arguments
        finish = watched(kill, folder / "changes")
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        finish()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def watched(kill: Kill, counted: Path) -> Callable[[], object]:
    """Kills this process before the given change of a file; the returned function writes the number of changes."""
    count, due = 0, kill.change

    def look(event: str, arguments: Sequence[Any]) -> None:
        nonlocal count, due
        if not changes_a_file(event, arguments):
            return
        count += 1
        if kill.before and due is None and event == kill.before[0] and kill.before[1] in str(arguments):
            due = count + kill.later
        if due is not None and count >= due:
            os.kill(os.getpid(), kill.number)

    sys.addaudithook(look)
    return lambda: counted.write_text(str(count))


def ended(pid: int, kill: Kill) -> int:
    """Waits for the end of a run and kills it at its moment; returns its exit code, below 0 for a signal."""
    begin = time.monotonic()
    killed = False
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        elapsed = time.monotonic() - begin
        due = (kill.seconds is not None and elapsed >= kill.seconds) or (kill.seen is not None and kill.seen())
        if due and not killed:
            killed = True
            (os.killpg if kill.group else os.kill)(pid, kill.number)
        if elapsed > RUN_S:
            os.killpg(pid, signal.SIGKILL)
        time.sleep(POLL_S)


def orphans() -> list[str]:
    """The commands of the processes that live some time longer than their parent; they are ended."""
    deadline = time.monotonic() + ORPHANS_S
    while left := children():
        if time.monotonic() > deadline:
            found = [command(pid) for pid in left]
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return found
        time.sleep(0.01)
    return []


def children() -> list[int]:
    """The living children of this process."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return [int(pid) for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()]


def command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:120]
    return str(pid)
