"""The numbers of Linux system calls, from the kernel's headers; from 424 on they are the same on every machine.

`system_calls.csv` has the lower ones on x86-64 and on 64-bit Arm, empty where the machine has no such call.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_suffix(".csv")
FIRST_COMMON = 424
# The common calls that a library may need and that change nothing outside its process.
HARMLESS = {"close_range": 436, "faccessat2": 439, "epoll_pwait2": 441, "futex_waitv": 449}
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
LANDLOCK = {"create_ruleset": 444, "add_rule": 445, "restrict_self": 446}


@dataclass(frozen=True)
class Machine:
    """A kind of machine: its number in the kernel's audit interface, and the numbers of its system calls by name."""

    audit: int
    numbers: dict[str, int]


def machine_of(name: str) -> Machine | None:
    """The kind of machine of this name, `None` where its numbers are not known."""
    if name not in AUDIT:
        return None
    with TABLE.open(newline="") as file:
        return Machine(AUDIT[name], {row["name"]: int(row[name]) for row in csv.DictReader(file) if row[name]})
