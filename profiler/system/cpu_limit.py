"""A temporary limit of the CPU time of processes: a control group of their own with a CFS quota."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from profiler.common.errors import ServerError, UnavailableError
from profiler.system.control_groups import CGROUPS, PROC, Group, group_of

PREFIX = "dnn-porting"
PERIOD_US = 100_000
LEAST_CORES = 0.01
LEAVE_S = 5.0


@contextmanager
def cpu_limit(pids: list[int], cores: float, cgroups: Path = CGROUPS, proc: Path = PROC) -> Iterator[None]:
    """Limits processes and their children to `cores` of CPU time together, in periods of 100 ms, while the block lasts.

    Raises `UnavailableError` where groups cannot be written, `ServerError` where the processes have ended.
    """
    if cores < LEAST_CORES:
        raise UnavailableError(f"cores={cores} is not possible: a quota starts at {LEAST_CORES} of a core")
    groups = groups_of(pids, cgroups, proc)
    folder = None
    try:
        try:
            folder = make_group(next(iter(groups.values())), cores)
            for pid in groups:
                move(pid, folder)
        except OSError as error:
            raise UnavailableError(
                f"cores={cores} is not possible ({error}): run as root, or take whole cores"
            ) from error
        yield
    finally:
        if folder is not None:
            remove_group(folder, groups)


def groups_of(pids: list[int], cgroups: Path, proc: Path) -> dict[int, Group]:
    """The groups of the processes that are alive, by process number."""
    groups = {}
    for pid in pids:
        with suppress(OSError):
            groups[pid] = group_of(pid, cgroups, proc)
    if not groups:
        raise ServerError(f"the processes {pids} ended before their CPU time could be limited")
    found = {pid: group for pid, group in groups.items() if group is not None}
    if not found:
        raise UnavailableError("fractions of a core are not possible here: the system has no cgroup cpu controller")
    return found


def make_group(home: Group, cores: float) -> Path:
    """The folder of a new group with a quota; raises `OSError` and leaves nothing where it cannot be created."""
    nest = home.nest()
    remove_leftovers(nest)
    if home.version == 2 and "cpu" not in (nest / "cgroup.subtree_control").read_text().split():
        write(nest / "cgroup.subtree_control", "+cpu")
    folder = nest / f"{PREFIX}-{os.getpid()}-{secrets.token_hex(4)}"
    folder.mkdir()
    try:
        set_quota(folder, round(cores * PERIOD_US))
    except OSError:
        folder.rmdir()
        raise
    return folder


def set_quota(folder: Path, quota_us: int | None) -> None:
    """Sets the CPU time that the group may use in each period, unlimited for `None`."""
    if (folder / "cpu.max").exists():
        write(folder / "cpu.max", f"{'max' if quota_us is None else quota_us} {PERIOD_US}")
    else:
        write(folder / "cpu.cfs_period_us", str(PERIOD_US))
        write(folder / "cpu.cfs_quota_us", str(-1 if quota_us is None else quota_us))


def move(pid: int, folder: Path) -> None:
    """Moves a process with all its threads into a group, unless it has ended."""
    with suppress(ProcessLookupError):
        write(folder / "cgroup.procs", str(pid))


def remove_group(folder: Path, groups: dict[int, Group]) -> None:
    """Lifts the quota, moves processes back (children to the first process's group), and removes the group."""
    elsewhere = next(iter(groups.values()))
    deadline = time.monotonic() + LEAVE_S
    with suppress(OSError):
        set_quota(folder, None)
    while folder.exists() and time.monotonic() < deadline:
        with suppress(OSError):
            for pid in map(int, (folder / "cgroup.procs").read_text().split()):
                with suppress(OSError):
                    move(pid, groups.get(pid, elsewhere).folder)
            folder.rmdir()
            return
        time.sleep(0.01)


def remove_leftovers(nest: Path) -> None:
    """Removes the empty groups of runs that were killed."""
    for folder in nest.glob(f"{PREFIX}-*-*"):
        owner = folder.name.removeprefix(f"{PREFIX}-").partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            with suppress(OSError):
                folder.rmdir()


def write(path: Path, text: str) -> None:
    """Writes text to an existing control file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
