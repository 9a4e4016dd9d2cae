"""A child process that does not outlive its parent."""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Ends this process with its parent, and has the kernel take it first where the machine runs out of memory."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    Path("/proc/self/oom_score_adj").write_text("1000")
