"""The cores of the server and of the load generator, and the pinning of a thread to cores."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from profiler.common.errors import BadInputError


def split_cores(wanted: int) -> tuple[list[int], list[int]]:
    """The cores of the server and of the load generator, which are different where the machine has enough.

    Raises `BadInputError` where this process may use fewer cores than `wanted`.
    """
    available = sorted(os.sched_getaffinity(0))
    if wanted > len(available):
        raise BadInputError(f"target cores={wanted} cannot be had: this process may use {len(available)}")
    server = available[-wanted:]
    client = [core for core in available if core not in server]
    return server, client or available


@contextmanager
def pinned(cores: list[int]) -> Iterator[None]:
    """Keeps the calling thread, and the threads that it starts, on `cores`."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
