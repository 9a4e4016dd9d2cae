"""Files of a web server that anybody may have set up: it is not waited for without an end, nor followed elsewhere."""

import asyncio
import time
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import ClientSession, TraceConfig, TraceRequestRedirectParams

# A server that says nothing for so long, or less than so much after it, is given up.
PATIENCE_S, LEAST_BYTES_PER_S = 5.0, 10_000


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
    """Raises `OSError` for another host: the user has named this one, and another may be one that only we can reach."""
    from yarl import URL

    there = asked.url.join(URL(asked.response.headers.get("Location", "")))
    if there.host != asked.url.host:
        raise OSError(f"it leads to another host, {there.host}: give the address there")


async def streamed(filesystem: Any, path: str, size_bytes: int) -> bytes:
    """The beginning of a file from a web server, which need not know ranges, nor tell a true length.

    Whatever it sends, a piece of the file must come within a time: headers and the marks of pieces may never end.
    """
    found, began_s = bytearray(), time.monotonic()
    # With a size given it is not asked for beforehand.
    stream = await filesystem.open_async(path, size=size_bytes)
    try:
        while len(found) < size_bytes:
            try:
                chunk = await asyncio.wait_for(stream.read(size_bytes - len(found)), PATIENCE_S)
            except TimeoutError as error:
                raise TimeoutError(f"it sends nothing of the file for {PATIENCE_S:g} s") from error
            if not chunk:
                break
            found += chunk
            waited_s = time.monotonic() - began_s
            if waited_s > PATIENCE_S and len(found) < LEAST_BYTES_PER_S * waited_s:
                raise TimeoutError(f"it sends less than {LEAST_BYTES_PER_S} bytes/s")
    finally:
        await stream.close()
    return bytes(found)
