"""Becomes the server: `launch.py CORES PROGRAM [ARGUMENT ...]`, where CORES is a list like `0,1` or `all`.

A process of its own, as setting these up between fork and exec is not safe in a process with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    cores, program = sys.argv[1], sys.argv[2]
    # The kernel sends it when the parent is gone, however that came about.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if cores != "all":
        os.sched_setaffinity(0, [int(core) for core in cores.split(",")])
    os.execv(program, sys.argv[2:])


if __name__ == "__main__":
    main()
