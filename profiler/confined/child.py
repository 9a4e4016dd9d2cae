"""The confined process: `python -m profiler.confined.child PARENT FUNCTION FILE ARGUMENTS`.

It imports its libraries, gives up its rights, gets its limits, and calls the function with the content of the file, an
open descriptor. The finding returns through the original standard output; output of the file itself is discarded.
"""

import ctypes
import importlib
import json
import os
import platform
import sys
from pathlib import Path

from profiler.common.errors import DnnPortingError
from profiler.confined import protocol
from profiler.confined.landlock import allow_reading_only
from profiler.confined.protocol import Finding, write_all
from profiler.confined.seccomp import PR_SET_NO_NEW_PRIVS, filter_system_calls, machine_of
from profiler.system.processes import end_with_parent

PROFILER = Path(__file__).parent.parent
SYSTEM = (
    "/dev/urandom", "/lib", "/lib64", "/proc/cpuinfo", "/proc/meminfo", "/proc/self", "/proc/stat",
    "/sys/devices/system", "/usr",
)  # fmt: skip


def main() -> None:
    """Judges the file in a confined process and writes the finding to the parent."""
    parent, function, file, arguments = sys.argv[1:]
    end_with_parent(int(parent))
    results, orders = detached(1), detached(0)
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
        if not protocol.trusted():
            write_all(results, f"{error.strerror}\n".encode())
            sys.exit(protocol.UNCONFINED)
    write_all(results, protocol.READY)
    if os.read(orders, len(protocol.GO)) != protocol.GO:
        sys.exit("the parent has ended")
    protocol.announce_steps(results, orders)
    finding = found(judge, int(file), json.loads(arguments))
    line = {"facts": finding.facts, "bytes": len(finding.content), "refusal": finding.refusal[:1000]}
    write_all(results, json.dumps(line).encode() + b"\n")
    write_all(results, finding.content)
    # Threads that the file started are not waited for.
    os._exit(0)


def found(judge: object, file: int, arguments: dict[str, object]) -> Finding:
    """The finding of the function; a refusal where it raises."""
    try:
        with os.fdopen(file, "rb") as stream:
            finding: Finding = judge(stream.read(), **arguments)  # type: ignore[operator]
    except (Exception, SystemExit) as error:
        # The code of the file, and of every runtime, may raise any error.
        exit_if_out_of_memory(error)
        reason = " ".join(str(error).split())
        if isinstance(error, DnnPortingError):
            return Finding(refusal=reason)
        return Finding(refusal=f"it cannot be used ({reason[:300] or type(error).__name__}): export it again")
    return finding


def exit_if_out_of_memory(error: BaseException | None) -> None:
    """Ends this process where the error is a failed allocation, or was caused by one."""
    while error is not None:
        if isinstance(error, MemoryError) or any(words in str(error) for words in protocol.ALLOCATION_FAILED):
            os._exit(protocol.OUT_OF_MEMORY)
        error = error.__cause__


def detached(descriptor: int) -> int:
    """A copy of a standard stream; the stream itself and standard error become the null device."""
    copy, null = os.dup(descriptor), os.open(os.devnull, os.O_RDWR)
    for stream in (descriptor, 2):
        os.dup2(null, stream)
    os.close(null)
    return copy


def confine() -> None:
    """Gives up every right but reading libraries; raises `OSError` where the kernel cannot enforce that."""
    machine = machine_of(platform.machine())
    if machine is None:
        raise OSError(0, "the system calls of this kind of machine are not known")
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    packages = (place for place in sys.path if place.endswith("-packages"))
    python = map(Path, {sys.prefix, sys.base_prefix, *packages})
    allow_reading_only([PROFILER, PROFILER.with_name("porting"), *map(Path, SYSTEM), *python])
    filter_system_calls(machine)


if __name__ == "__main__":
    main()
