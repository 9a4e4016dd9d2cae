"""Replaces itself by a server program: `launcher.py PARENT SIGNAL CORES PROGRAM [ARGUMENT ...]`.

CORES is a list like `0,1` or `all`. The setup is done in a process of its own, because it is not safe between fork and
exec in a process with threads. The program gets SIGNAL when PARENT ends for any reason; to the kernel, the end of the
*thread* that started the program is the end of PARENT. An argument that begins with `SECRET` names an environment
variable and stands for its value: `profiler.triton.hidden_arguments` puts the value in its place, or says on standard
input that it cannot.
"""

import contextlib
import ctypes
import os
import select
import sys
from signal import SIGKILL

PR_SET_PDEATHSIG = 1
SECRET = "DNN_PORTING_SECRET_"  # noqa: S105
# What the parent says before the program may begin; nothing at all where it died.
TRACED, NOT_TRACED = b"t", b"n"


def main() -> None:
    parent, signal, cores, *arguments = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal))
    # It may have died before that.
    if os.getppid() != int(parent):
        sys.exit("the parent is gone")
    # What the program makes, shared memory too, is for nobody else.
    os.umask(0o077)
    if cores != "all":
        os.sched_setaffinity(0, [int(core) for core in cores.split(",")])
    if any(argument.startswith(SECRET) for argument in arguments):
        said = os.read(sys.stdin.fileno(), 1)
        if said == NOT_TRACED:
            arguments = [os.environ[one] if one.startswith(SECRET) else one for one in arguments]
        elif said != TRACED:
            sys.exit("the parent is gone")
    if os.getpgrp() == os.getpid():
        guard()
    os.execv(arguments[0], arguments)


def guard() -> None:
    """Leaves a process that ends the program's group with the program: one of Triton's backends would wait for ever.

    It is no descendant of the program, so that it is not measured along with it.
    """
    program = os.getpid()
    if child := os.fork():
        os.waitpid(child, 0)
    elif os.fork():
        os._exit(0)
    else:
        with contextlib.suppress(ProcessLookupError):
            select.select([os.pidfd_open(program)], [], [])
        os.killpg(program, SIGKILL)


if __name__ == "__main__":
    main()
