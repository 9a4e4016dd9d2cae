"""Own namespaces of this process: loopback only, a private /tmp and /dev/shm, and one name server."""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

NEW_USER, NEW_MOUNTS, NEW_NETWORK = 0x10000000, 0x00020000, 0x40000000
RECURSIVE, PRIVATE, BIND = 0x4000, 0x40000, 0x1000
SUBREAPER, DROP_BOUND = 36, 24
SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x41
CAPABILITIES_VERSION = 0x20080522
# The capabilities with which root reads and searches files of any mode.
READS_ALL = (1, 2)
PRIVATE_PLACES = (Path("/tmp"), Path("/dev/shm"))  # noqa: S108
RESOLVER = Path("/etc/resolv.conf")
libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> None:
    """Raises the `OSError` that a call of the C library left."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def isolate(kept: Sequence[Path], resolver: Path) -> None:
    """Leaves the machine's network, /tmp and /dev/shm; the folders `kept` stay in their places.

    `resolver` replaces /etc/resolv.conf. Raises `OSError` where the kernel gives no namespaces.
    """
    user, group = os.geteuid(), os.getegid()
    checked(libc.unshare(NEW_MOUNTS | NEW_NETWORK | (NEW_USER if user else 0)))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    mount("none", Path("/"), "", RECURSIVE | PRIVATE)
    for place in PRIVATE_PLACES:
        cover(place, [path.resolve() for path in kept])
    mount(str(resolver), RESOLVER.resolve(), "", BIND)
    bring_loopback_up()


def mount(source: str, place: Path, kind: str, flags: int) -> None:
    checked(libc.mount(source.encode(), str(place).encode(), kind.encode() or None, flags, None))


def cover(place: Path, kept: Sequence[Path]) -> None:
    """An empty file system at `place`, with the kept folders bound below it."""
    inside = sorted({path for path in kept if path.is_relative_to(place)}, key=lambda path: len(path.parts))
    outermost = [path for path in inside if not any(path.is_relative_to(other) for other in inside if other != path)]
    held = {path: os.open(path, os.O_PATH) for path in outermost}
    mount("none", place, "tmpfs", 0)
    place.chmod(0o1777)
    for path, descriptor in held.items():
        path.mkdir(parents=True, exist_ok=True)
        mount(f"/proc/self/fd/{descriptor}", path, "", BIND | RECURSIVE)
        os.close(descriptor)


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SET_FLAGS, struct.pack("16sH14x", b"lo", UP_AND_RUNNING))


def adopt_orphans() -> None:
    """Makes this process the parent of the processes that a descendant leaves behind, so that it can find them."""
    checked(libc.prctl(SUBREAPER, 1, 0, 0, 0))


def read_by_mode_only() -> None:
    """This process and its children respect the modes of files, also as root."""
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    for one in READS_ALL:
        libc.prctl(DROP_BOUND, one, 0, 0, 0)
    checked(libc.capget(header, sets))
    without = ~sum(1 << one for one in READS_ALL) & 0xFFFFFFFF
    for index in range(3):
        sets[index] &= without
    checked(libc.capset(header, sets))
