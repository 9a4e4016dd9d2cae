"""The cleaning of a process that must exit at once: its child processes and its temporary folders."""

import os
import signal
from contextlib import suppress

import psutil

from profiler.common.scratch import FOLDERS, remove

DYING_S = 0.5


def clean_up() -> None:
    """Kills every process that this one started, with its group, then removes temporary folders and shared memory."""
    end_children()
    for folder in list(FOLDERS):
        remove(folder)


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
