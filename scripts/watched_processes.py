"""The processes below this one: their processor time and memory, and whether any lives longer than its command."""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

import psutil

LOOK_S, ENDS_WITHIN_S = 0.05, 3.0
IDLE_CPU_S = 0.02


class Busy:
    """Whether the processes below this one compute anything."""

    def __init__(self, began: float) -> None:
        self._since, self._used_s = began, 0.0

    def idle_s(self) -> float:
        """The time without computation, in s."""
        used_s = 0.0
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                used_s += sum(process.cpu_times()[:2])
        if abs(used_s - self._used_s) > IDLE_CPU_S:
            self._since, self._used_s = time.monotonic(), used_s
        return time.monotonic() - self._since


def memory_bytes() -> int:
    """The memory of all descendants that belongs to no file."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        with suppress(OSError, psutil.Error):
            total += held_bytes(process.pid)
    return total


def held_bytes(pid: int) -> int:
    """The same memory of one process, with the memory that it shares with its parent."""
    status = Path(f"/proc/{pid}/status").read_text()
    return sum(int(found) for found in re.findall(r"Rss(?:Anon|Shmem):\s+(\d+)", status)) << 10


def ended_processes() -> list[str]:
    """The names of the processes that live longer than the command; they are ended."""
    deadline = time.monotonic() + ENDS_WITHIN_S
    while (living := running()) and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    names = []
    for process in living:
        with suppress(psutil.Error):
            names.append(f"process {process.name()}")
            process.kill()
    return names


def running() -> list[psutil.Process]:
    """The descendants that are no zombies; zombies are collected."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    found = psutil.Process().children(recursive=True)
    return [one for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
