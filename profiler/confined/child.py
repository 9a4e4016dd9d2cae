"""The confined process: `python -m profiler.confined.child PARENT FUNCTION FILE ARGUMENTS`.

It imports its libraries, gives up its rights, reports that it is ready, gets its limits, and calls the function with
the content of the file, an open descriptor. Facts and bytes return through the original standard output; output that
the file prints is discarded.
"""

import ctypes
import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from profiler.common.errors import DnnPortingError
from profiler.confined.landlock import shut_off
from profiler.confined.protocol import (
    ALLOCATION_FAILED,
    GO,
    OUT_OF_MEMORY,
    READY,
    UNCONFINED,
    Finding,
    announce_steps,
    encoded,
    trusted,
    write_all,
)
from profiler.confined.seccomp import PR_SET_NO_NEW_PRIVS, filter_system_calls
from profiler.confined.system_calls import this_machine
from profiler.system.processes import die_with

OWN = Path(__file__).parent.parent
SYSTEM = (
    "/dev/urandom",
    "/lib",
    "/lib64",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self",
    "/proc/stat",
    "/sys/devices/system",
    "/usr",
)


def main() -> None:
    """Judges the file in a confined process and writes the finding to the parent."""
    parent, function, file, arguments = sys.argv[1:]
    die_with(int(parent))
    results, orders = away(1), away(0)
    # Libraries read system files while they are imported, so they are imported before the process is confined.
    module, _, name = function.rpartition(".")
    try:
        tasks = importlib.import_module(module)
        judge = getattr(tasks, name)
        # `prepare` does the late imports of a module.
        getattr(tasks, "prepare", lambda: None)()
    except Exception as error:
        write_all(results, f"{' '.join(str(error).split())}\n".encode())
        raise
    try:
        confine()
    except OSError as error:
        if not trusted():
            write_all(results, f"{error.strerror}\n".encode())
            sys.exit(UNCONFINED)
    write_all(results, READY)
    if os.read(orders, len(GO)) != GO:
        sys.exit("the parent is gone")
    announce_steps(results, orders)
    finding = found(judge, int(file), json.loads(arguments))
    write_all(results, encoded(finding))
    write_all(results, finding.content)
    # Threads that the file started are not waited for.
    os._exit(0)


def found(judge: object, file: int, arguments: dict[str, object]) -> Finding:
    """The finding of the function; a refusal where it raises."""
    try:
        with os.fdopen(file, "rb") as stream:
            finding: Finding = judge(stream.read(), **arguments)  # type: ignore[operator]
    except DnnPortingError as error:
        leave_out_of_memory(error)
        return Finding(refusal=" ".join(str(error).split()))
    except (Exception, SystemExit) as error:
        # The code of the file, and of every runtime, may raise anything.
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        leave_out_of_memory(error)
        return Finding(refusal=f"it cannot be used ({reason}): export it again")
    return finding


def leave_out_of_memory(error: BaseException | None) -> None:
    """Ends this process where the error is a failed allocation, or was caused by one."""
    while error is not None:
        if isinstance(error, MemoryError) or any(words in str(error) for words in ALLOCATION_FAILED):
            os._exit(OUT_OF_MEMORY)
        error = error.__cause__


def away(descriptor: int) -> int:
    """A copy of a standard stream; the stream itself and standard error become the null device."""
    kept = os.dup(descriptor)
    for stream in (descriptor, 2):
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, stream)
        os.close(nowhere)
    return kept


def confine() -> None:
    """Gives up every right but reading libraries; raises `OSError` where the kernel cannot enforce that."""
    machine = this_machine()
    if machine is None:
        raise OSError(0, "the system calls of this kind of machine are not known")
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    shut_off(readable())
    filter_system_calls(machine)


def readable() -> Iterator[Path]:
    """The folders of Python, its packages and this project, and the files that describe the machine."""
    yield from (OWN, OWN.with_name("porting"), *map(Path, SYSTEM))
    yield from (Path(place) for place in {sys.prefix, sys.base_prefix})
    yield from (Path(place) for place in sys.path if place.endswith("-packages"))


if __name__ == "__main__":
    main()
