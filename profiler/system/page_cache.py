"""The kernel's page cache of one file: the share in memory, its eviction, and its filling.

Eviction is advice (posix_fadvise(2)) with exceptions, so each function measures and returns the reached share.
"""

import ctypes
import mmap
import os
from pathlib import Path

import numpy as np

CHUNK_BYTES = 1 << 20


def resident_share(path: Path) -> float:
    """The share of the file's pages that are in the page cache, 0 to 1.

    The kernel reports 1 for a file that this user neither owns nor may write (mincore(2)). Raises `OSError`.
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
    """Evicts the file from the page cache; returns the remaining share. Raises `OSError`."""
    with path.open("rb") as file:
        # Pages that are not yet on the disk cannot be evicted.
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return resident_share(path)


def read_in(path: Path) -> float:
    """Reads the file into the page cache; returns the share that is there. Raises `OSError`."""
    with path.open("rb") as file:
        while file.read(CHUNK_BYTES):
            pass
    return resident_share(path)
