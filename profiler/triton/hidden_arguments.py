"""Arguments that nobody else on the machine can read, for a program that takes a secret in no other way.

Every local user reads the arguments of every process in `/proc/PID/cmdline`, but nobody reads its environment. So the
program is started with placeholders for arguments and the secret ones in its environment. The parent traces it, and
when exec has made the new program and none of its instructions has run, the parent has the placeholders' pointers in
`argv` lead to the environment. The strings that `/proc` shows stay the placeholders. A tracer that dies takes the
program with it. proc(5), ptrace(2); the layout of the stack is that of the System V ABI on every architecture.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from profiler.triton.launcher import NOT_TRACED, SECRET, TRACED

SEIZE, CONTINUE, DETACH = 0x4206, 7, 17
TRACE_EXEC, EXIT_WITH_TRACER = 1 << 4, 1 << 20
EVENT_SHIFT = 8
EXEC = signal.SIGTRAP | 4 << EVENT_SHIFT
WORD_BYTES = ctypes.sizeof(ctypes.c_void_p)
# More than a stack's arguments and environment can take.
STACK_BYTES = 1 << 23
# proc(5), /proc/PID/stat: its place behind the name in brackets.
START_STACK = 28 - 3


def started(
    program: Path, command: Sequence[str], secrets: Sequence[str], environment: Mapping[str, str], **options: Any
) -> tuple[subprocess.Popen[bytes], bool]:
    """The process of a `launched` command for the program, with these secret arguments, and whether they are hidden.

    They are not where the system lets no process trace its child, and where the program is a script, which would hand
    them on. The thread must live as long as the process.
    """
    named = {f"{SECRET}{index}": secret for index, secret in enumerate(secrets)}
    hears, says = os.pipe()
    with os.fdopen(hears, "rb") as heard, os.fdopen(says, "wb", buffering=0) as said:
        process = subprocess.Popen([*command, *named], env={**environment, **named}, stdin=heard, **options)
        try:
            traced = not is_script(program) and seized(process.pid)
            said.write(TRACED if traced else NOT_TRACED)
            if traced:
                replace_at_exec(process.pid)
        except BaseException:
            process.kill()
            process.wait()
            raise
    return process, traced


def is_script(program: Path) -> bool:
    """Whether another program reads it, and starts the one that is meant with arguments that are seen."""
    with program.open("rb") as file:
        return file.read(2) == b"#!"


def seized(process: int) -> bool:
    """Traces the child until its exec; whether the system lets us."""
    try:
        ptrace(SEIZE, process, TRACE_EXEC | EXIT_WITH_TRACER)
    except OSError:
        return False
    return True


def replace_at_exec(process: int) -> None:
    """Waits for the exec of a traced child, or its end, and lets it go with its secret arguments in place."""
    while (event := stopped(process)) != EXEC:
        if event is None:
            return
        # A signal on its way goes on; another event has none.
        ptrace(CONTINUE, process, event if event < 1 << EVENT_SHIFT else 0)
    replace(process)
    ptrace(DETACH, process)


def stopped(process: int) -> int | None:
    """Why a traced process stops next, `None` where it ends, which is left for its parent to hear."""
    seen = os.waitid(os.P_PID, process, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
    return seen.si_status if seen is not None and seen.si_code == os.CLD_TRAPPED else None


def replace(process: int) -> None:
    """Has each placeholder among the arguments of a stopped process lead to the value in its environment."""
    stack = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[START_STACK])
    memory = os.open(f"/proc/{process}/mem", os.O_RDWR | os.O_CLOEXEC)
    try:
        content = os.pread(memory, STACK_BYTES, stack)
        words = memoryview(content[: len(content) // WORD_BYTES * WORD_BYTES]).cast("P")
        values = {}
        for pointer in until_zero(words, words[0] + 2):
            name, _, _ = string(content, pointer - stack).partition(b"=")
            values[name] = pointer + len(name) + 1
        for place, pointer in enumerate(words[1 : words[0] + 1], start=1):
            name = string(content, pointer - stack)
            if name.startswith(SECRET.encode()):
                os.pwrite(memory, values[name].to_bytes(WORD_BYTES, sys.byteorder), stack + place * WORD_BYTES)
    finally:
        os.close(memory)


def until_zero(words: Sequence[int], place: int) -> Iterator[int]:
    while words[place]:
        yield words[place]
        place += 1


def string(content: bytes, place: int) -> bytes:
    """The string that begins there."""
    return content[place : content.index(b"\0", place)]


def ptrace(request: int, process: int, data: int = 0) -> None:
    """ptrace(2) without an address; raises `OSError` where the system refuses."""
    library = ctypes.CDLL(None, use_errno=True)
    library.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    library.ptrace.restype = ctypes.c_long
    if library.ptrace(request, process, None, data) == -1:
        raise OSError(ctypes.get_errno(), f"ptrace: {os.strerror(ctypes.get_errno())}")
