"""Child processes that end with this process."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
# Ctrl-C ends everything within 2 s.
STOP_LIMIT_S = 1.0


def launch_command(cores: list[int] | None = None, dying: signal.Signals = signal.SIGKILL) -> list[str]:
    """The prefix of a command that pins its program to `cores` and sends it the signal `dying` when this process ends.

    The thread that starts the command must live as long as the program, because the end of that thread counts.
    """
    pinned = ",".join(map(str, cores)) if cores else "all"
    return [sys.executable, "-S", str(LAUNCHER), str(os.getpid()), str(int(dying)), pinned]


def stop(process: subprocess.Popen[bytes]) -> None:
    """Terminates a program that leads a process group, then kills the group with all its children."""
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
    finally:
        # The group is killed after a second Ctrl-C too.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
