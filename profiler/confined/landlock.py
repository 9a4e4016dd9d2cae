"""A Landlock ruleset that denies files, ports and signals, as landlock(7) describes it, where the kernel has it."""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

LANDLOCK = {"create_ruleset": 444, "add_rule": 445, "restrict_self": 446}
VERSION_FLAG = 1
PATH_BENEATH = 1
READ_FILE, READ_FOLDER = 1 << 2, 1 << 3
# The number of file rights by version of the interface; the first versions with port rights and with scopes.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
PORT_RIGHTS_SINCE, PORT_RIGHTS = 4, 0b11
SCOPES_SINCE, SCOPES = 6, 0b11


def version() -> int:
    """The version of the interface, 0 where the kernel has no Landlock or it is switched off."""
    return max(0, int(ctypes.CDLL(None, use_errno=True).syscall(LANDLOCK["create_ruleset"], None, 0, VERSION_FLAG)))


def allow_reading_only(readable: Iterable[Path]) -> bool:
    """Lets this thread and its children read below these folders only; returns whether the kernel has Landlock.

    Raises `OSError` where the kernel has Landlock and refuses. The process must have set `no_new_privs` before.
    """
    known = version()
    if not known:
        return False
    files = (1 << FILE_RIGHTS[min(known, max(FILE_RIGHTS))]) - 1
    rights = struct.pack("@QQQ", files, PORT_RIGHTS * (known >= PORT_RIGHTS_SINCE), SCOPES * (known >= SCOPES_SINCE))
    # An older kernel accepts a longer structure whose end is 0.
    ruleset = call("create_ruleset", rights, len(rights), 0)
    for place in readable:
        allow_reading(ruleset, place)
    call("restrict_self", ruleset, 0)
    os.close(ruleset)
    return True


def allow_reading(ruleset: int, place: Path) -> None:
    """Adds a rule that allows reading below a place, if it exists."""
    try:
        descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = READ_FILE | (READ_FOLDER if place.is_dir() else 0)
        call("add_rule", ruleset, PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def call(name: str, *arguments: int | bytes) -> int:
    """The result of a Landlock system call; raises `OSError` where it fails."""
    result = int(ctypes.CDLL(None, use_errno=True).syscall(LANDLOCK[name], *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"landlock_{name} is refused")
    return result
