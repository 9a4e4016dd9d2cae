"""Replaces itself by a server program: `launcher.py PARENT SIGNAL CORES PROGRAM [ARGUMENT ...]`.

CORES is a list like `0,1` or `all`. The setup is done in a process of its own, because it is not safe between fork and
exec in a process with threads. The program gets SIGNAL when PARENT ends for any reason; to the kernel, the end of the
*thread* that started the program is the end of PARENT. An argument that begins with `SECRET` names an environment
variable whose value replaces it: `profiler.triton.hidden_arguments` makes the replacement, or sends `NOT_TRACED` to
the standard input where it cannot.
"""

import contextlib
import ctypes
import os
import select
import sys
from signal import SIGKILL

PR_SET_PDEATHSIG = 1
SECRET = "DNN_PORTING_SECRET_"  # noqa: S105
# The answer of the parent before the program may begin; it is empty if the parent died.
TRACED, NOT_TRACED = b"t", b"n"


def main() -> None:
    """Sets the process up and replaces it by the program."""
    parent, signal, cores, *arguments = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal))
    # The parent may have died before the call.
    if os.getppid() != int(parent):
        sys.exit("the parent has ended")
    # Other users have no access to the files and the shared memory of the program.
    os.umask(0o077)
    if cores != "all":
        os.sched_setaffinity(0, [int(core) for core in cores.split(",")])
    if any(argument.startswith(SECRET) for argument in arguments):
        answer = os.read(sys.stdin.fileno(), 1)
        if answer == NOT_TRACED:
            arguments = [os.environ[one] if one.startswith(SECRET) else one for one in arguments]
        elif answer != TRACED:
            sys.exit("the parent has ended")
    if os.getpgrp() == os.getpid():
        guard()
    os.execv(arguments[0], arguments)


def guard() -> None:
    """Starts a process that kills the program's group when the program ends: a Triton backend would wait for ever.

    It is not a descendant of the program, so that it is not measured with the program.
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
