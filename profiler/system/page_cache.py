"""Whether a file lies in memory or on the disk only: the kernel's page cache, read and changed for one file.

Eviction is advice (posix_fadvise(2)) that a file system without a disk ignores, and it leaves what somebody has
mapped. So what was reached is looked at, not assumed.
"""

import ctypes
import mmap
import os
from pathlib import Path

import numpy as np

CHUNK_BYTES = 1 << 20


def resident_share(path: Path) -> float:
    """The share of the file's pages that are in the page cache, 0 to 1.

    The kernel answers 1 for a file that this user may neither write nor owns (mincore(2)). Raises `OSError`.
    """
    size = path.stat().st_size
    if size == 0:
        return 1.0
    pages = -(-size // mmap.PAGESIZE)
    found = np.zeros(pages, np.uint8)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapping:
        address = np.frombuffer(mapping, np.uint8).ctypes.data
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), ctypes.c_void_p(found.ctypes.data))
        if failed:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
    return float((found & 1).mean())


def evict(path: Path) -> float:
    """Takes the file out of the page cache; the share of it that stayed. Raises `OSError`."""
    with path.open("rb") as file:
        # Pages that are not on the disk yet cannot be dropped.
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return resident_share(path)


def read_in(path: Path) -> float:
    """Brings the file into the page cache; the share of it that is there. Raises `OSError`."""
    with path.open("rb") as file:
        while file.read(CHUNK_BYTES):
            pass
    return resident_share(path)
