"""The start and the end of server programs: `launcher.py PARENT SIGNAL CORES PROGRAM [ARGUMENT ...]` becomes PROGRAM.

CORES is a list like `0,1` or `all`. The setup has a process of its own, because it is not safe between fork and exec in
a process with threads. The program gets SIGNAL when the thread of PARENT that started it ends. An argument that begins
with `SECRET` names an environment variable whose value replaces it: `profiler.triton.hidden_arguments` makes the
replacement, or sends `NOT_TRACED` to the standard input where it cannot.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

PR_SET_PDEATHSIG = 1
SECRET = "DNN_PORTING_SECRET_"  # noqa: S105
# The answer of the parent before the program may begin; it is empty if the parent has ended.
TRACED, NOT_TRACED = b"t", b"n"
# Ctrl-C ends everything within 2 s.
STOP_LIMIT_S = 1.0


def main() -> None:
    """Sets the process up and replaces it by the program."""
    parent, at_end, cores, *arguments = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(at_end))
    # The parent may have ended before the call.
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
    """Starts a process that kills the program's group when the program ends: a Triton backend would wait forever.

    The process is no descendant of the program, so that it is not measured with the program.
    """
    program = os.getpid()
    if child := os.fork():
        os.waitpid(child, 0)
    elif os.fork():
        os._exit(0)
    else:
        with suppress(ProcessLookupError):
            select.select([os.pidfd_open(program)], [], [])
        os.killpg(program, signal.SIGKILL)


def launch_command(cores: list[int] | None = None, at_end: signal.Signals = signal.SIGKILL) -> list[str]:
    """The prefix of a command that pins its program to `cores` and sends it the signal `at_end` when this process ends.

    The thread that starts the command must live as long as the program, because the end of that thread counts.
    """
    pinned = ",".join(map(str, cores)) if cores else "all"
    return [sys.executable, "-S", __file__, str(os.getpid()), str(int(at_end)), pinned]


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


if __name__ == "__main__":
    main()
