"""The open gRPC calls of one HTTP/2 connection."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from profiler.common.errors import ServerError
from profiler.runtimes.kserve import frames as http2
from profiler.runtimes.kserve.flow import Flow
from profiler.runtimes.kserve.grpc import HeaderReader, Headers, outcome

REFUSED_STREAM = 7

OnMessage = Callable[[bytes | ServerError], None]


class RefusedError(ServerError):
    """The server has not begun with the call (RFC 9113, sections 6.8 and 8.7), so it may be sent again elsewhere."""


@dataclass(slots=True)
class Call:
    """An open call, with the parts of its answer so far."""

    stream: int
    deadline: float
    on_message: OnMessage
    headers: Headers = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class Calls:
    """The open calls of a connection; the thread that takes the last frame answers a call, after `flow` forgot it."""

    def __init__(self, limit_s: float, flow: Flow, flow_lock: threading.Lock) -> None:
        self._limit_s, self._flow, self._flow_lock = limit_s, flow, flow_lock
        self._calls: dict[int, Call] = {}
        self._lock, self._next, self._closed = threading.Lock(), 1, False
        self._headers = HeaderReader()

    def __len__(self) -> int:
        return len(self._calls)

    def start(self, on_message: OnMessage) -> int:
        """The stream number of a new call, odd and ascending as a client's are; raises `RefusedError` after `close`."""
        deadline = time.monotonic() + self._limit_s
        with self._lock:
            if self._closed:
                raise RefusedError("inference failed: the server takes no more calls on this connection")
            stream, self._next = self._next, self._next + 2
            self._calls[stream] = Call(stream, deadline, on_message)
        return stream

    def take(self, frame: http2.Frame) -> None:
        """Takes a DATA, HEADERS or RST_STREAM frame; frames of finished calls are dropped."""
        call = self._calls.get(frame.stream)
        # Every block is decoded, because the first one of a connection initialises the decoder.
        headers = self._headers.read(http2.content(frame)) if frame.kind == http2.HEADERS else {}
        if call is None:
            return
        if frame.kind == http2.RST_STREAM:
            code = int.from_bytes(frame.payload)
            refused = RefusedError("inference failed: the server refuses so many calls at once")
            other = ServerError(f"inference failed: the server reset the call with HTTP/2 code {code}")
            self._finish(call, refused if code == REFUSED_STREAM else other)
            return
        if frame.kind == http2.DATA:
            call.body += http2.content(frame)
        call.headers = {**call.headers, **headers}
        if frame.flags & http2.END_STREAM:
            self._finish(call, outcome(call.headers, call.body))

    def close(self) -> None:
        """Allows no further calls."""
        with self._lock:
            self._closed = True

    def withdraw(self, stream: int) -> bool:
        """Withdraws an unsent call, and returns whether it was not answered yet."""
        with self._lock:
            return self._calls.pop(stream, None) is not None

    def refuse(self, beyond: int) -> None:
        """Ends the calls with higher stream numbers, with which the server will not begin."""
        for call in [call for call in list(self._calls.values()) if call.stream > beyond]:
            self._finish(call, RefusedError("inference failed: the server closes the connection"))

    def fail(self, why: str) -> None:
        """Ends all calls with an error."""
        for call in list(self._calls.values()):
            self._finish(call, ServerError(f"inference failed: {why}"))

    def give_up_overdue(self) -> None:
        """Ends the overdue calls; all have the same time limit, so the oldest is overdue first."""
        while True:
            with self._lock:
                oldest = next(iter(self._calls.values()), None)
            if oldest is None or time.monotonic() < oldest.deadline:
                return
            self._finish(oldest, ServerError(f"inference failed: no answer within {self._limit_s:g} s"))

    def _finish(self, call: Call, answer: bytes | ServerError) -> None:
        with self._lock:
            known = self._calls.pop(call.stream, None)
        if known is not None:
            with self._flow_lock:
                self._flow.forget(call.stream)
            call.on_message(answer)
