"""A filter of system calls, as seccomp(2) and bpf(4) describe them: refused calls fail with "not permitted"."""

import csv
import ctypes
import errno
import os
import struct
from dataclasses import dataclass
from pathlib import Path

# The codes of instructions; an instruction has a code, two jumps and a value.
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
REFUSE, ABSENT = ERROR | errno.EPERM, ERROR | errno.ENOSYS
# The offsets of the number, of the machine, and of the low halves of the arguments.
NUMBER, AUDIT, ARGUMENTS = 0, 4, 16
MODE_FILTER, ALL_THREADS = 1, 1
PR_SET_NO_NEW_PRIVS = 38
X32 = 0x40000000
CLONE_THREAD = 0x00010000
WRITING = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC
# The calls that are judged by an argument: its position, and the bits that decide.
BY_ARGUMENT = {"open": (1, WRITING), "openat": (2, WRITING), "clone": (0, CLONE_THREAD)}
TO_ITSELF = ("kill", "tgkill")
# The numbers of calls on x86-64 and 64-bit Arm from the kernel's headers, empty where the machine has no such call.
TABLE = Path(__file__).with_name("system_calls.csv")
# From this number on, all machines have the same numbers.
FIRST_COMMON = 424
# The common calls that a library may need and that change nothing outside its process.
HARMLESS = {"close_range": 436, "faccessat2": 439, "epoll_pwait2": 441, "futex_waitv": 449}
AUDIT_NUMBERS = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


@dataclass(frozen=True)
class Machine:
    """A kind of machine: its number in the kernel's audit interface, and the numbers of its system calls by name."""

    audit: int
    numbers: dict[str, int]


def machine_of(name: str) -> Machine | None:
    """The kind of machine of this name, `None` where its numbers are not known."""
    if name not in AUDIT_NUMBERS:
        return None
    with TABLE.open(newline="") as file:
        return Machine(AUDIT_NUMBERS[name], {row["name"]: int(row[name]) for row in csv.DictReader(file) if row[name]})


def program(machine: Machine, process: int) -> list[tuple[int, int, int, int]]:
    """The filter for a process that may read files, start threads, and signal itself."""
    instructions = [
        (LOAD, 0, 0, AUDIT),
        (EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        # X32 is the first number of the x32 interface.
        *when(AT_LEAST, X32, ABSENT),
    ]
    for number in HARMLESS.values():
        instructions += when(EQUAL, number, ALLOW)
    # Calls younger than 2019 seem not to exist, so libraries use the older ones.
    instructions += when(AT_LEAST, FIRST_COMMON, ABSENT)
    for name, number in machine.numbers.items():
        instructions += judged(name, number, process)
    return [*instructions, (RETURN, 0, 0, ALLOW)]


def judged(name: str, number: int, process: int) -> list[tuple[int, int, int, int]]:
    """The instructions for one call."""
    if name in BY_ARGUMENT:
        place, bits = BY_ARGUMENT[name]
        found, else_ = (ALLOW, REFUSE) if name == "clone" else (REFUSE, ALLOW)
        test = (ANY_BIT, 0, 1, bits)
    elif name in TO_ITSELF:
        place, test, found, else_ = 0, (EQUAL, 0, 1, process), ALLOW, REFUSE
    elif name == "prlimit64":
        # Limits may be read; a call that passes new limits is refused.
        place, test, found, else_ = 2, (EQUAL, 0, 1, 0), ALLOW, REFUSE
    else:
        return when(EQUAL, number, REFUSE)
    argument = ARGUMENTS + 8 * place
    return [(EQUAL, 0, 4, number), (LOAD, 0, 0, argument), test, (RETURN, 0, 0, found), (RETURN, 0, 0, else_)]


def when(test: int, value: int, result: int) -> list[tuple[int, int, int, int]]:
    """The instructions that return the result where the number passes the test."""
    return [(test, 0, 1, value), (RETURN, 0, 0, result)]


def filter_system_calls(machine: Machine) -> None:
    """Installs the filter for all threads of this process, for good; raises `OSError` where the kernel refuses."""
    instructions = program(machine, os.getpid())
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in instructions))
    whole = struct.pack("@HP", len(instructions), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs is refused")
    if libc.syscall(machine.numbers["seccomp"], MODE_FILTER, ALL_THREADS, whole):
        raise OSError(ctypes.get_errno(), "seccomp is refused")
