"""Secret arguments that other users cannot read, for a program that takes a secret in no other way.

Every local user can read the arguments of a process in `/proc/PID/cmdline`, but not its environment. So the program is
started with placeholders as arguments and with the secrets in its environment. The parent traces it, and redirects the
placeholders' pointers in `argv` to the environment after exec. The program ends with its tracer. See proc(5) and
ptrace(2); the stack layout is that of the System V ABI.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from profiler.triton.launcher import NOT_TRACED, SECRET, TRACED

SEIZE, CONTINUE, DETACH = 0x4206, 7, 17
TRACE_EXEC, EXIT_WITH_TRACER = 1 << 4, 1 << 20
EVENT_SHIFT = 8
EXEC = signal.SIGTRAP | 4 << EVENT_SHIFT
WORD_BYTES = ctypes.sizeof(ctypes.c_void_p)
# The size exceeds the largest arguments and environment on a stack.
STACK_BYTES = 1 << 23
# The index of the field in /proc/PID/stat after the name in brackets, see proc(5).
START_STACK = 28 - 3


def started(
    program: Path, command: Sequence[str], secrets: Sequence[str], environment: Mapping[str, str], **options: Any
) -> tuple[subprocess.Popen[bytes], bool]:
    """The process of a `launch_command` for a program with secret arguments, and whether the secrets are hidden.

    They are visible for a script, and where the system forbids tracing. The calling thread must outlive the process.
    """
    named = {f"{SECRET}{index}": secret for index, secret in enumerate(secrets)}
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb", buffering=0) as writer:
        process = subprocess.Popen([*command, *named], env={**environment, **named}, stdin=reader, **options)
        try:
            with program.open("rb") as file:
                traced = file.read(2) != b"#!" and seized(process.pid)
            writer.write(TRACED if traced else NOT_TRACED)
            if traced:
                replace_at_exec(process.pid)
        except BaseException:
            process.kill()
            process.wait()
            raise
    return process, traced


def seized(process: int) -> bool:
    """Traces the child until its exec, and returns whether the system allows it."""
    try:
        ptrace(SEIZE, process, TRACE_EXEC | EXIT_WITH_TRACER)
    except OSError:
        return False
    return True


def replace_at_exec(process: int) -> None:
    """Waits for the exec of the program or the end of a traced child, inserts the secret arguments, and detaches."""
    while (event := stopped(process)) != EXEC or is_launcher(process):
        if event is None:
            return
        # A pending signal is delivered; other events have none.
        ptrace(CONTINUE, process, event if event < 1 << EVENT_SHIFT else 0)
    replace(process)
    ptrace(DETACH, process)


def is_launcher(process: int) -> bool:
    """Whether the exec of the launcher itself was still under way when the trace began."""
    return b"/launcher.py\0" in Path(f"/proc/{process}/cmdline").read_bytes()


def stopped(process: int) -> int | None:
    """The event at which a traced process stops next; `None` where it ends, which is left for `wait`."""
    seen = os.waitid(os.P_PID, process, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
    return seen.si_status if seen is not None and seen.si_code == os.CLD_TRAPPED else None


def replace(process: int) -> None:
    """Points each placeholder argument of a stopped process to the value in its environment."""
    stack = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[START_STACK])
    memory = os.open(f"/proc/{process}/mem", os.O_RDWR | os.O_CLOEXEC)
    try:
        content = os.pread(memory, STACK_BYTES, stack)
        words = memoryview(content[: len(content) // WORD_BYTES * WORD_BYTES]).cast("P")
        values = {}
        for pointer in takewhile(bool, words[words[0] + 2 :]):
            name, _, _ = string(content, pointer - stack).partition(b"=")
            values[name] = pointer + len(name) + 1
        for place, pointer in enumerate(words[1 : words[0] + 1], start=1):
            name = string(content, pointer - stack)
            if name.startswith(SECRET.encode()):
                os.pwrite(memory, values[name].to_bytes(WORD_BYTES, sys.byteorder), stack + place * WORD_BYTES)
    finally:
        os.close(memory)


def string(content: bytes, place: int) -> bytes:
    """The null-terminated string at an offset."""
    return content[place : content.index(b"\0", place)]


def ptrace(request: int, process: int, data: int = 0) -> None:
    """ptrace(2) without an address; raises `OSError` where the system refuses."""
    library = ctypes.CDLL(None, use_errno=True)
    library.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    library.ptrace.restype = ctypes.c_long
    if library.ptrace(request, process, None, data) == -1:
        raise OSError(ctypes.get_errno(), f"ptrace: {os.strerror(ctypes.get_errno())}")
