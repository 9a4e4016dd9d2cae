"""Connections to one gRPC method: one for each caller that waits, and shared ones for calls that nobody waits for."""

import threading
from collections import deque
from contextlib import suppress
from functools import partial

from profiler.common.errors import ServerError
from profiler.runtimes.kserve.calls import OnMessage, RefusedError
from profiler.runtimes.kserve.connection import Connection

LINGER_S = 5.0
TRIES = 10


class Channel:
    """Calls of `path` on the server at `endpoint` (HOST:PORT), answered or failed within `limit_s`.

    Connections are opened as they are needed and kept; after a failure they are opened anew. A server that is to
    stop waits for those that nobody reads from: `close` first.
    """

    def __init__(self, endpoint: str, path: str, limit_s: float) -> None:
        self._endpoint, self._path, self._limit_s = endpoint, path, limit_s
        self._idle: deque[Connection] = deque()
        self._shared: list[Connection] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Closes what is open; a call under way, unless its caller waits for it, fails."""
        with self._lock:
            for connection in [*self._idle, *self._shared]:
                connection.close()
            self._idle.clear()
            self._shared.clear()

    def call(self, body: bytes) -> bytes:
        """Sends a framed message and waits for the answer's; `ServerError` says why there is none."""
        for _ in range(TRIES - 1):
            with suppress(RefusedError):
                return self._call(body)
        return self._call(body)

    def _call(self, body: bytes) -> bytes:
        connection = self._idle_one() or self._open()
        answers: list[bytes | ServerError] = []
        connection.send(body, answers.append)
        while not answers:
            connection.receive()
        answer = answers[0]
        if isinstance(answer, ServerError):
            self._idle.clear()
            # Frame and exception refer to each other, so nobody else would close it soon.
            connection.close()
            raise answer
        if connection.usable:
            self._idle.append(connection)
        return answer

    def _idle_one(self) -> Connection | None:
        """A server may have ended the connections that nobody reads from meanwhile."""
        with suppress(IndexError):
            while not (connection := self._idle.pop()).renewed():
                connection.close()
            return connection
        return None

    def send(self, body: bytes, on_message: OnMessage, tries: int = TRIES) -> None:
        """Sends and returns; a thread of the channel's calls `on_message` with the answer or the error.

        Raises `ServerError` where no connection can be made.
        """
        with self._lock:
            for left in range(tries, 1, -1):
                with suppress(RefusedError):
                    return self._send(body, on_message, left)
            return self._send(body, on_message, 1)

    def _send(self, body: bytes, on_message: OnMessage, tries: int) -> None:
        self._shared = [connection for connection in self._shared if connection.usable]
        connection = next((one for one in self._shared if not one.full), None)
        fresh = connection is None
        connection = connection or self._open()
        connection.send(body, partial(self._deliver, connection, body, on_message, tries))
        if fresh:
            self._shared.append(connection)
            threading.Thread(target=self._listen, args=[connection], daemon=True).start()

    def _deliver(
        self, connection: Connection, body: bytes, on_message: OnMessage, tries: int, answer: bytes | ServerError
    ) -> None:
        """Calls `on_message`, or sends again elsewhere what was not begun: the server may go on, or another one.

        A server may also count calls that it has answered for a while, and refuse more.
        """
        if isinstance(answer, RefusedError) and tries > 1:
            connection.usable = False
            try:
                return self.send(body, on_message, tries - 1)
            except ServerError as error:
                answer = error
        return on_message(answer)

    def _open(self) -> Connection:
        return Connection(self._endpoint, self._path, self._limit_s)

    def _listen(self, connection: Connection) -> None:
        """Receives as long as calls are under way, and a while longer."""
        while connection.usable or not connection.idle:
            if not connection.idle or connection.readable(LINGER_S):
                connection.receive()
            else:
                self._retire(connection)
        # A server that ends gracefully waits for it.
        connection.close()

    def _retire(self, connection: Connection) -> None:
        with self._lock:
            connection.usable = not connection.idle
