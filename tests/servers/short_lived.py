"""A Triton of which nothing is needed any more when its block ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from profiler.triton.installation import find_triton
from profiler.triton.server import RunningServer, triton_server


@contextmanager
def short_lived_triton(**options: Any) -> Iterator[RunningServer]:
    """`triton_server` with these options, killed at the end: to unload its networks first would take it seconds."""
    with triton_server(find_triton(), **options) as server:
        try:
            yield server
        finally:
            server.process.kill()
