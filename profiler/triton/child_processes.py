"""Programs that end with this process, and how they are ended."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
# Ctrl-C is to end everything within 2 s.
STOP_LIMIT_S = 1.0


def launch_command(cores: list[int] | None = None, dying: signal.Signals = signal.SIGKILL) -> list[str]:
    """The beginning of a command: what pins the program to these cores, and gives it that signal when we are gone.

    The thread that starts the command must live as long as the program: its end counts as that of this process.
    """
    pinned = ",".join(map(str, cores)) if cores else "all"
    return [sys.executable, "-S", str(LAUNCHER), str(os.getpid()), str(int(dying)), pinned]


def stop(process: subprocess.Popen[bytes]) -> None:
    """Asks the program, which has a group of its own, to stop, then makes it; what it started goes with it."""
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
    finally:
        # After a second Ctrl-C too.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
