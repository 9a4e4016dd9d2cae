"""The confined process: `python -m profiler.confined.child PARENT FUNCTION FILE ARGUMENTS`.

It imports what it needs, gives up all that it may do, says that it is ready, is given its limits, and has the
function judge the file, an open descriptor. Facts and bytes go back through what was its standard output; what the
file prints goes nowhere.
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
    tell,
    told,
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
    parent, function, file, arguments = sys.argv[1:]
    die_with(int(parent))
    results, orders = away(1), away(0)
    # Before the file is read: libraries look about in the system while they are imported.
    module, _, name = function.rpartition(".")
    try:
        tasks = importlib.import_module(module)
        judge = getattr(tasks, name)
        # What a module imports when it is needed only, it imports here.
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
    tell(results, orders)
    finding = found(judge, int(file), json.loads(arguments))
    write_all(results, told(finding))
    write_all(results, finding.content)
    # Whatever the file left behind is not waited for.
    os._exit(0)


def found(judge: object, file: int, arguments: dict[str, object]) -> Finding:
    """The finding; a refusal where the function raises one of our own errors."""
    try:
        with os.fdopen(file, "rb") as stream:
            finding: Finding = judge(stream.read(), **arguments)  # type: ignore[operator]
    except DnnPortingError as error:
        leave_out_of_memory(error)
        return Finding(refusal=" ".join(str(error).split()))
    except (Exception, SystemExit) as error:
        # The file's own code, and every runtime's, fails with whatever it likes.
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        leave_out_of_memory(error)
        return Finding(refusal=f"it cannot be used ({reason}): export it again")
    return finding


def leave_out_of_memory(error: BaseException | None) -> None:
    """Ends this process where the error is that of an allocation that failed, or comes from one."""
    while error is not None:
        if isinstance(error, MemoryError) or any(words in str(error) for words in ALLOCATION_FAILED):
            os._exit(OUT_OF_MEMORY)
        error = error.__cause__


def away(descriptor: int) -> int:
    """A copy of a standard stream, which is nowhere from then on; so is standard error."""
    kept = os.dup(descriptor)
    for stream in (descriptor, 2):
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, stream)
        os.close(nowhere)
    return kept


def confine() -> None:
    """Gives up everything but reading libraries; raises `OSError` where the kernel cannot hold this process to it."""
    machine = this_machine()
    if machine is None:
        raise OSError(0, "the system calls of this kind of machine are not known")
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    shut_off(readable())
    filter_system_calls(machine)


def readable() -> Iterator[Path]:
    """Where Python, its packages and ours lie, and what the system says of the machine."""
    yield from (OWN, OWN.with_name("porting"), *map(Path, SYSTEM))
    yield from (Path(place) for place in {sys.prefix, sys.base_prefix})
    yield from (Path(place) for place in sys.path if place.endswith("-packages"))


if __name__ == "__main__":
    main()
