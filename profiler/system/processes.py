"""The tree of processes that serve a model, taken together, without those that end during a query."""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from profiler.common.errors import BadInputError, DnnPortingError, ServerError
from profiler.records.base import total, unknown
from profiler.records.memory import Usage

PIN_PASSES = 20
RESET_PEAK = "5"  # proc(5), clear_refs: the peak resident size becomes the present one.
PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Makes the kernel end this process with its parent, and kill it first where the machine runs out of memory."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent has ended")
    Path("/proc/self/oom_score_adj").write_text("1000")


def tree(pid: int) -> list[psutil.Process]:
    """The process and its descendants, empty where it has ended."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def status(folder: Path) -> dict[str, str]:
    """The lines of a process's or thread's `status` in /proc; raises `OSError` where it has ended."""
    return dict(line.partition(":")[::2] for line in (folder / "status").read_text().splitlines())


def thread_folders(pid: int) -> list[Path]:
    """The /proc folders of a process's threads, the main one first; empty where it has ended."""
    try:
        return sorted(Path(f"/proc/{pid}/task").iterdir(), key=lambda folder: int(folder.name))
    except OSError:
        return []


def thread_switches(pid: int) -> dict[int, tuple[int, int]]:
    """The voluntary and involuntary context switches of every living thread, by its id."""
    switches = {}
    for folder in thread_folders(pid):
        with suppress(OSError):
            lines = status(folder)
            switches[int(folder.name)] = int(lines["voluntary_ctxt_switches"]), int(lines["nonvoluntary_ctxt_switches"])
    return switches


def cpu_seconds(pid: int) -> float:
    """The processor time of the tree under a process in s, that of ended children included."""
    total = 0.0
    for process in tree(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def usage(pid: int) -> Usage:
    """The present use of the tree under a process; raises `ServerError` where it has ended."""
    found = []
    for process in tree(pid):
        with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            found.append(usage_of(process))
    if not found:
        raise ServerError(f"process {pid} has ended")
    values: dict[str, Any] = {name: total([one[name] for one in found]) for name in found[0]}
    reasons = unknown(values, "the system does not report it for these processes")
    return Usage(processes=len(found), reasons=reasons, **values)


def usage_of(process: psutil.Process) -> dict[str, float | None]:
    """The part of a process in a `Usage`; raises `psutil.NoSuchProcess` for an ended process, a zombie included."""
    times, memory = process.cpu_times(), process.memory_info()
    switches = thread_switches(process.pid).values()
    try:
        full = process.memory_full_info()
        uss, pss = full.uss, full.pss
    except psutil.AccessDenied:
        uss, pss = None, None
    lines = status(Path(f"/proc/{process.pid}"))
    if lines["State"].strip().startswith("Z"):
        raise psutil.ZombieProcess(process.pid)
    peak = lines.get("VmHWM")
    return {
        "cpu_s": times.user + times.system,
        "rss_bytes": memory.rss,
        "uss_bytes": uss,
        "pss_bytes": pss,
        "peak_bytes": None if peak is None else int(peak.split()[0]) * 1024,
        "involuntary_switches": sum(involuntary for _, involuntary in switches) if switches else None,
    }


def reset_peak(pid: int) -> str | None:
    """Resets the peak memory of the whole tree; returns the reason where the system refuses, else `None`."""
    for process in tree(pid):
        try:
            Path(f"/proc/{process.pid}/clear_refs").write_text(RESET_PEAK)
        except OSError as error:
            if process.is_running():
                return f"the peak memory of process {process.pid} cannot be reset: {error}"
    return None


def pin(pid: int, cores: list[int]) -> None:
    """Binds every thread of the whole tree to these cores; raises `BadInputError` where they are not available."""
    for _ in range(PIN_PASSES):
        if not pin_once(pid, set(cores)):
            return
    raise DnnPortingError(f"process {pid} starts threads faster than they can be bound to cores {cores}")


def pin_once(pid: int, cores: set[int]) -> bool:
    """Binds the present threads; returns whether one was not bound before, as it may have started others."""
    found = False
    for process in tree(pid):
        for folder in thread_folders(process.pid):
            thread = int(folder.name)
            try:
                if os.sched_getaffinity(thread) != cores:
                    os.sched_setaffinity(thread, cores)
                    found = True
            except ProcessLookupError:
                continue
            except OSError as error:
                raise BadInputError(f"process {process.pid} cannot use cores {sorted(cores)}: {error}") from error
    return found
