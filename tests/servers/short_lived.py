"""A Triton of which nothing is needed any more when its block ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from profiler.triton.access import new_token
from profiler.triton.installation import find_triton
from profiler.triton.server import RunningServer, triton_server

# Of all these servers, also of those that take the place of another; commands find it where `conftest.py` wrote it.
TOKEN = new_token()


def token() -> str:
    return TOKEN


@contextmanager
def short_lived_triton(**options: Any) -> Iterator[RunningServer]:
    """`triton_server` with these options, killed at the end: to unload its networks first would take it seconds."""
    with triton_server(find_triton(), token=TOKEN, **options) as server:
        try:
            yield server
        finally:
            server.process.kill()
