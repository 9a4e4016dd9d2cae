"""What a process that must leave at once takes with it: what it started, and its temporary folders."""

import os
import shutil
import signal
import time
from contextlib import suppress

import psutil

from profiler.common.scratch import OPEN, SHARED_MEMORY

DYING_S = 0.5


def clear_away() -> None:
    """Ends every process that this one started, their groups too, then removes its temporary folders.

    Shared memory that is named after such a folder goes too.
    """
    end_children()
    for folder in list(OPEN):
        shutil.rmtree(folder, ignore_errors=True)
        for region in SHARED_MEMORY.glob(f"{folder.name}*"):
            with suppress(OSError):
                region.unlink()


def end_children() -> None:
    """Kills all descendants and returns when they are gone."""
    try:
        children = psutil.Process().children(recursive=True)
    except psutil.Error:
        return
    for child in children:
        with suppress(OSError, psutil.Error):
            if os.getpgid(child.pid) == child.pid:
                os.killpg(child.pid, signal.SIGKILL)
            child.kill()
    # Some are no children of this process, so that it cannot wait for them.
    end = time.monotonic() + DYING_S
    while time.monotonic() < end and any(is_alive(child) for child in children):
        time.sleep(0.02)


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
