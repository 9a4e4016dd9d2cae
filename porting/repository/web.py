"""Files of a web server that anybody may have set up: it is not waited for without an end, nor followed elsewhere."""

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from profiler.common.errors import DnnPortingError
from profiler.common.parse import INDEX_LIMIT_BYTES

if TYPE_CHECKING:
    from aiohttp import ClientSession, TraceConfig, TraceRequestRedirectParams
    from yarl import URL

# A server that says nothing for so long, or less than so much after it, is given up.
PATIENCE_S, LEAST_BYTES_PER_S = 5.0, 10_000
# What says what a repository holds (no file of it is larger than an index) may take so long altogether, and each file
# of it so long besides: a thousand quick answers are no fault.
METADATA_S, METADATA_FILE_S = 20.0, 1.0
# A larger file may take as long as its limit takes at this rate.
LARGE_BYTES_PER_S = 1_000_000


def web_options(url: str) -> dict[str, Any]:
    """What a file system is told of a web server: how long it is waited for, and where it may lead."""
    if not url.startswith(("http://", "https://")):
        return {}
    from aiohttp import ClientTimeout

    timeout = ClientTimeout(sock_connect=PATIENCE_S, sock_read=PATIENCE_S)
    return {"client_kwargs": {"timeout": timeout, "trace_configs": [watching_redirects()]}}


@cache
def watching_redirects() -> "TraceConfig":
    from aiohttp import TraceConfig

    config = TraceConfig()
    config.on_request_redirect.append(check_redirect)
    return config


async def check_redirect(_session: "ClientSession", _context: Any, asked: "TraceRequestRedirectParams") -> None:
    """Raises `OSError` for another server than the user has named: it may be one that only this machine can reach."""
    from yarl import URL

    # The client goes by these two headers.
    headers = asked.response.headers
    there = asked.url.join(URL(headers.get("Location") or headers.get("URI") or ""))
    if origin(there) != origin(asked.url):
        scheme, host, port = origin(there)
        raise OSError(f"it leads to another server, {scheme}://{host}:{port}: give the address there")


def origin(url: "URL") -> tuple[str, str | None, int | None]:
    """Who answers at an address."""
    return url.scheme, url.host, url.port


class WebFiles:
    """The files of one repository on a web server, and how long it may still be waited for."""

    def __init__(self, filesystem: Any) -> None:
        self._filesystem, self._left_s = filesystem, METADATA_S

    def beginning(self, path: str, size_bytes: int) -> bytes:
        """The beginning of a file; raises `DnnPortingError` where it takes too long."""
        from fsspec.asyn import sync

        # One byte more than the limit is asked for, so that a larger file is noticed.
        large = size_bytes > INDEX_LIMIT_BYTES + 1
        most_s = size_bytes / LARGE_BYTES_PER_S if large else METADATA_FILE_S + self._left_s
        began_s = time.monotonic()
        try:
            return bytes(sync(self._filesystem.loop, streamed, self._filesystem, path, size_bytes, most_s))
        finally:
            if not large:
                self._left_s -= max(0.0, time.monotonic() - began_s - METADATA_FILE_S)


async def streamed(filesystem: Any, path: str, size_bytes: int, most_s: float) -> bytes:
    """The beginning of a file from a web server, which need not know ranges, nor tell a true length.

    Whatever it sends, a piece of the file must come within a time: headers and the marks of pieces may never end.
    """
    import asyncio

    from aiohttp import TooManyRedirects

    found, began_s = bytearray(), time.monotonic()
    # With a size given it is not asked for beforehand.
    stream = await filesystem.open_async(path, size=size_bytes)
    try:
        while len(found) < size_bytes:
            left_s = began_s + most_s - time.monotonic()
            chunk = await asyncio.wait_for(stream.read(size_bytes - len(found)), min(PATIENCE_S, left_s))
            if not chunk:
                break
            found += chunk
            check_pace(len(found), time.monotonic() - began_s)
    except TimeoutError as error:
        raise too_slow(path, len(found), time.monotonic() - began_s, most_s) from error
    except TooManyRedirects as error:
        raise OSError(f"it leads from one address to the next, {len(error.history)} times") from error
    finally:
        await stream.close()
    return bytes(found)


def check_pace(size_bytes: int, waited_s: float) -> None:
    """Raises `TimeoutError` for less than the least rate."""
    if waited_s > PATIENCE_S and size_bytes < LEAST_BYTES_PER_S * waited_s:
        raise TimeoutError


def too_slow(path: str, size_bytes: int, waited_s: float, most_s: float) -> DnnPortingError:
    return DnnPortingError(
        f"{path} cannot be reached in time (it sent {size_bytes} bytes of the file in {waited_s:.1f} s; it may send "
        f"nothing for {PATIENCE_S:g} s, no less than {LEAST_BYTES_PER_S} bytes/s after that, and take {most_s:.1f} s "
        "at most): use a faster server or network, or copy the repository to a local folder"
    )
