"""gRPC calls of servers that do what they should not: each one ends, with a reason."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from servers.collector import Collector

from profiler.common.errors import ServerError
from profiler.runtimes.kserve import frames as http2
from profiler.runtimes.kserve.channel import Channel
from profiler.runtimes.kserve.grpc import framed
from profiler.runtimes.kserve.message import METHOD

WAIT_S = 20


def channel(endpoint: str, limit_s: float = WAIT_S) -> Channel:
    return Channel(endpoint, METHOD, limit_s)


@contextmanager
def saying(greeting: bytes, reply: bytes) -> Iterator[str]:
    """A server that says the one at once and the other when a request of one byte, x, has come; then it closes."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.sendall(greeting)
                    heard = b""
                    while not heard.endswith(framed(b"x")) and (more := connection.recv(2**16)):
                        heard += more
                    connection.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(WAIT_S)


GREETING = http2.pack(http2.SETTINGS)
NOISE = np.random.default_rng(0).bytes(5000)
LAST = http2.END_HEADERS | http2.END_STREAM


def headers(block: bytes, flags: int = LAST) -> bytes:
    return http2.pack(http2.HEADERS, flags, 1, block)


OK, NOT_FOUND, STATUS_0 = b"\x88", b"\x8d", b"\x00\x0bgrpc-status\x010"
CUT = headers(OK, http2.END_HEADERS) + http2.pack(http2.DATA, 0, 1, framed(b"long")[:-1]) + headers(STATUS_0)
GARBAGE = {
    "nothing": (GREETING, b"", "closed the connection|reset by peer"),
    "HTTP/1": (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", "does not speak gRPC"),
    "noise": (NOISE, b"", "does not speak gRPC"),
    "noise after a greeting": (GREETING, NOISE, "does not speak gRPC"),
    "half a frame": (GREETING, b"\x00\x00", "closed the connection|reset by peer"),
    "padding that is none": (GREETING, http2.pack(http2.DATA, http2.PADDED, 1), "closed the connection|reset by peer"),
    "headers that are none": (GREETING, headers(b"\xff\xff\xff\xff\xff"), "headers cannot be read"),
    "an HTTP error": (GREETING, headers(NOT_FOUND), "HTTP status 404"),
    "no status": (GREETING, headers(OK), "status missing"),
    "a message cut short": (GREETING, CUT, "the 8 received bytes are not one plain gRPC message"),
    "a reset": (GREETING, http2.pack(http2.RST_STREAM, 0, 1, b"\0\0\0\2"), "reset the call with HTTP/2 code 2"),
}


@pytest.mark.parametrize(("greeting", "reply", "reason"), GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_an_error_with_a_reason(greeting: bytes, reply: bytes, reason: str) -> None:
    with saying(greeting, reply) as endpoint:
        for _ in range(2):
            with pytest.raises(ServerError, match=f"^inference failed: .*({reason})"):
                channel(endpoint).call(framed(b"x"))


def test_garbage_reaches_those_too_who_do_not_wait() -> None:
    collector = Collector()
    with saying(GREETING, CUT) as endpoint:
        channel(endpoint).send(framed(b"x"), collector.take)
        assert isinstance(collector.wait_for(1)[0], ServerError)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with saying(b"", b"") as endpoint, pytest.raises(ServerError, match=r"sends no settings within 0\.2 s"):
        channel(endpoint, limit_s=0.2).call(framed(b""))
