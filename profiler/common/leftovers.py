"""The cleaning of a process that must exit at once: its child processes and its temporary folders."""

import os
import shutil
import signal
from contextlib import suppress

import psutil

from profiler.common.scratch import FOLDERS, SHARED_MEMORY

DYING_S = 0.5


def clean_up() -> None:
    """Kills every process that this one started, with its group, then removes the temporary folders.

    Shared memory that is named after such a folder is removed too.
    """
    end_children()
    for folder in list(FOLDERS):
        shutil.rmtree(folder, ignore_errors=True)
        for region in SHARED_MEMORY.glob(f"{folder.name}*"):
            with suppress(OSError):
                region.unlink()


def end_children() -> None:
    """Kills all descendants and waits up to half a second until they have ended."""
    try:
        children = psutil.Process().children(recursive=True)
    except psutil.Error:
        return
    for child in children:
        with suppress(OSError, psutil.Error):
            if os.getpgid(child.pid) == child.pid:
                os.killpg(child.pid, signal.SIGKILL)
            child.kill()
    psutil.wait_procs(children, timeout=DYING_S)
