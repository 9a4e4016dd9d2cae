"""An HTTP/2 connection for gRPC unary calls, read by the thread that waits for an answer.

A small call costs 0.07 ms of processor time here, and 0.22 ms with tritonclient or with `h2` below the same socket
(`docs/benchmarks.md`, http2), which on a small machine is more than the measured network takes.
"""

import select
import socket
import threading
import weakref
from contextlib import suppress
from urllib.parse import urlsplit

from profiler.common.errors import ServerError
from profiler.runtimes.kserve import frames as http2
from profiler.runtimes.kserve.calls import Calls, OnMessage, RefusedError
from profiler.runtimes.kserve.flow import Buffer, Flow
from profiler.runtimes.kserve.grpc import request_headers

CHUNK_BYTES = 2**16
CREDIT_BYTES = 2**30
MOST_BUFFERS = 1000


class Connection:
    """Calls of one method of the server at `endpoint` (HOST:PORT), each answered or failed.

    Any thread may `send`; one thread at a time may `receive`, which delivers the answers. `usable` says whether new
    calls can be made. Raises `ServerError` where no server listens, and `RefusedError` where the server closes at once.
    """

    def __init__(self, endpoint: str, path: str, limit_s: float) -> None:
        self._head = request_headers(endpoint, path, limit_s)
        self._lock, self._flow, self._frames = threading.Lock(), Flow(), http2.FrameBuffer()
        self._calls = Calls(limit_s, self._flow, self._lock)
        self._uncredited_bytes = 0
        self.usable, self._end = True, "the server closed the connection"
        try:
            self._socket = connect(endpoint, limit_s)
        except (OSError, ValueError) as error:
            raise ServerError(f"inference failed: no connection to {endpoint} ({error})") from error
        weakref.finalize(self, self._socket.close)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._exchange_settings(limit_s)

    def _exchange_settings(self, limit_s: float) -> None:
        """Returns when the server's settings are known, so that the first call complies with them."""
        self._write([http2.preface()])
        while self.usable and not self._frames.began:
            if not self.readable(limit_s):
                raise ServerError(f"inference failed: the server sends no settings within {limit_s:g} s")
            self.receive()
        if not self.usable:
            raise RefusedError(f"inference failed: {self._end}")

    @property
    def idle(self) -> bool:
        """Whether no call is open."""
        return not self._calls

    @property
    def full(self) -> bool:
        """Whether the server accepts no further concurrent call on this connection."""
        return len(self._calls) >= self._flow.most_streams

    def readable(self, seconds: float) -> bool:
        """Whether data can be received now or within `seconds`."""
        return bool(self._poll.poll(seconds * 1e3))

    def renewed(self) -> bool:
        """Whether an idle connection is usable after all data that the server has sent."""
        while self.usable and self.readable(0):
            self.receive()
        return self.usable

    def close(self) -> None:
        """Ends the connection for both sides; the receiving thread wakes and fails every call."""
        self.usable = False
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def send(self, body: bytes, on_message: OnMessage) -> None:
        """Starts a call with a `framed` message; a later `receive` calls `on_message` with the answer or the error.

        Raises `RefusedError` where the connection has ended before the call began.
        """
        with self._lock:
            stream = self._calls.start(on_message)
            opening = http2.pack(http2.HEADERS, http2.END_HEADERS, stream, self._head)
            if not self._write([opening, *self._flow.admit(stream, body)]) and self._calls.withdraw(stream):
                raise RefusedError(f"inference failed: {self._end}")

    def receive(self) -> None:
        """Waits for data from the server, and delivers the answered, failed and overdue calls."""
        try:
            received = self._socket.recv(CHUNK_BYTES)
            if not received:
                raise ConnectionError(self._end)
            for frame in self._frames.add(received):
                self._take(frame)
        except TimeoutError:
            pass
        except (OSError, ServerError) as error:
            self.usable, self._end = False, str(error)
            # The lock keeps a call that is being written from failing, because it has not begun.
            with self._lock:
                self._calls.close()
            self._calls.fail(self._end)
        self._calls.give_up_overdue()

    def _take(self, frame: http2.Frame) -> None:
        if frame.kind in (http2.DATA, http2.HEADERS, http2.RST_STREAM):
            if frame.kind == http2.DATA:
                self._give_credit(len(frame.payload))
            self._calls.take(frame)
        elif frame.kind == http2.GOAWAY:
            self.usable = False
            self._calls.close()
            # The payload begins with the last call that the closing server handles (section 6.8).
            self._calls.refuse(beyond=int.from_bytes(frame.payload[:4]) & http2.LARGEST_WINDOW_BYTES)
        elif not frame.flags & http2.ACK:
            with self._lock:
                self._take_control(frame)

    def _take_control(self, frame: http2.Frame) -> None:
        if frame.kind == http2.PING:
            self._write([http2.pack(http2.PING, http2.ACK, payload=frame.payload)])
        elif frame.kind == http2.SETTINGS:
            self._write([http2.pack(http2.SETTINGS, http2.ACK), *self._flow.update(frame)])
        elif frame.kind == http2.WINDOW_UPDATE and (freed := self._flow.update(frame)):
            self._write(freed)

    def _give_credit(self, size: int) -> None:
        """Renews the server's window once for every gigabyte."""
        self._uncredited_bytes += size
        if self._uncredited_bytes >= CREDIT_BYTES:
            with self._lock:
                self._write([http2.credit(self._uncredited_bytes)])
            self._uncredited_bytes = 0

    def _write(self, buffers: list[Buffer]) -> bool:
        """Writes, and returns False where the server has ended the connection; a timeout counts as written."""
        try:
            buffers = buffers if len(buffers) <= MOST_BUFFERS else [b"".join(buffers)]
            sent = self._socket.sendmsg(buffers)
            if sent < sum(map(len, buffers)):
                self._socket.sendall(b"".join(buffers)[sent:])
        except OSError as error:
            self._end = str(error)
            self.close()
            return isinstance(error, TimeoutError)
        return True


def connect(endpoint: str, limit_s: float) -> socket.socket:
    """A connected socket; raises `OSError` where no server listens and `ValueError` for a wrong HOST:PORT."""
    address = urlsplit(f"//{endpoint}")
    connected = socket.create_connection((address.hostname, address.port or 0), timeout=limit_s)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected
