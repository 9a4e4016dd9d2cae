"""Files of an untrusted web server: every wait has a limit, and no redirect leads to another server."""

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from profiler.common.door import INDEX_LIMIT_BYTES
from profiler.common.errors import DnnPortingError

if TYPE_CHECKING:
    from aiohttp import ClientSession, TraceConfig, TraceRequestRedirectParams
    from yarl import URL

# The longest wait for a silent server, and the lowest rate of a server after that time.
PATIENCE_S, LEAST_BYTES_PER_S = 5.0, 10_000
# The time for all metadata files together (none is larger than an index), and the time of each file that does not count
# towards it, so that a thousand fast answers are allowed.
METADATA_S, METADATA_FILE_S = 20.0, 1.0
# The least rate for larger files.
LARGE_BYTES_PER_S = 1_000_000


def web_options(url: str) -> dict[str, Any]:
    """The options of the file system for a web server: its time limits and the check of redirects."""
    if not url.startswith(("http://", "https://")):
        return {}
    from aiohttp import ClientTimeout

    timeout = ClientTimeout(sock_connect=PATIENCE_S, sock_read=PATIENCE_S)
    return {"client_kwargs": {"timeout": timeout, "trace_configs": [watching_redirects()]}}


@cache
def watching_redirects() -> "TraceConfig":
    """The client configuration that checks every redirect."""
    from aiohttp import TraceConfig

    config = TraceConfig()
    config.on_request_redirect.append(check_redirect)
    return config


async def check_redirect(_session: "ClientSession", _context: Any, redirect: "TraceRequestRedirectParams") -> None:
    """Raises `OSError` for a redirect to another server, which may be one that only this machine can reach."""
    from yarl import URL

    # The client follows these two headers.
    headers = redirect.response.headers
    there = redirect.url.join(URL(headers.get("Location") or headers.get("URI") or ""))
    if origin(there) != origin(redirect.url):
        scheme, host, port = origin(there)
        raise OSError(f"it leads to another server, {scheme}://{host}:{port}: give the address there")


def origin(url: "URL") -> tuple[str, str | None, int | None]:
    """The scheme, host and port of an address."""
    return url.scheme, url.host, url.port


class WebFiles:
    """The files of one repository on a web server, with the rest of their time budget."""

    def __init__(self, filesystem: Any) -> None:
        self._filesystem, self._left_s = filesystem, METADATA_S

    def beginning(self, path: str, size_bytes: int) -> bytes:
        """The beginning of a file; raises `DnnPortingError` where it takes too long."""
        from fsspec.asyn import sync

        # The request is for one byte more than the limit, so that a larger file is noticed.
        large = size_bytes > INDEX_LIMIT_BYTES + 1
        most_s = size_bytes / LARGE_BYTES_PER_S if large else METADATA_FILE_S + self._left_s
        began_s = time.monotonic()
        try:
            return bytes(sync(self._filesystem.loop, streamed, self._filesystem, path, size_bytes, most_s))
        finally:
            if not large:
                self._left_s -= max(0.0, time.monotonic() - began_s - METADATA_FILE_S)


async def streamed(filesystem: Any, path: str, size_bytes: int, most_s: float) -> bytes:
    """The beginning of a file from a web server that may ignore ranges and report a wrong length.

    Each chunk of the file has a time limit, because headers and chunk boundaries may be endless.
    """
    import asyncio

    from aiohttp import TooManyRedirects

    found, began_s = bytearray(), time.monotonic()
    # With a given size, the client does not request the size first.
    stream = await filesystem.open_async(path, size=size_bytes)
    try:
        while len(found) < size_bytes:
            left_s = began_s + most_s - time.monotonic()
            chunk = await asyncio.wait_for(stream.read(size_bytes - len(found)), min(PATIENCE_S, left_s))
            if not chunk:
                break
            found += chunk
            waited_s = time.monotonic() - began_s
            if waited_s > PATIENCE_S and len(found) < LEAST_BYTES_PER_S * waited_s:
                raise TimeoutError
    except TimeoutError as error:
        raise DnnPortingError(
            f"{path} cannot be reached in time (it sent {len(found)} bytes of the file in "
            f"{time.monotonic() - began_s:.1f} s; it may send nothing for {PATIENCE_S:g} s, no less than "
            f"{LEAST_BYTES_PER_S} bytes/s after that, and take {most_s:.1f} s at most): use a faster server or "
            "network, or copy the repository to a local folder"
        ) from error
    except TooManyRedirects as error:
        raise OSError(f"it leads from one address to the next, {len(error.history)} times") from error
    finally:
        await stream.close()
    return bytes(found)
