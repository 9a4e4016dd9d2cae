"""The connections to one gRPC method: one for each blocking caller, and shared ones for asynchronous calls."""

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

    Connections are opened on demand and kept. A server that stops waits for idle connections, so `close` comes first.
    """

    def __init__(self, endpoint: str, path: str, limit_s: float) -> None:
        self._endpoint, self._path, self._limit_s = endpoint, path, limit_s
        self._idle: deque[Connection] = deque()
        self._shared: list[Connection] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Closes all connections; an open asynchronous call fails."""
        with self._lock:
            for connection in [*self._idle, *self._shared]:
                connection.close()
            self._idle.clear()
            self._shared.clear()

    def call(self, body: bytes) -> bytes:
        """Sends a framed message and returns that of the answer; raises `ServerError` where there is none."""
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
            # The frame and the exception refer to each other, which would keep the connection open.
            connection.close()
            raise answer
        if connection.usable:
            self._idle.append(connection)
        return answer

    def _idle_one(self) -> Connection | None:
        """An idle connection that the server has not closed, `None` where there is none."""
        with suppress(IndexError):
            while not (connection := self._idle.pop()).renewed():
                connection.close()
            return connection
        return None

    def send(self, body: bytes, on_message: OnMessage, tries: int = TRIES) -> None:
        """Sends and returns; a thread of the channel calls `on_message` with the answer or the error.

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
        """Calls `on_message`, or sends a refused call again on another connection.

        A server may close a connection and open others, or refuse calls while it still counts answered ones.
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
        """Receives until no call is open, and for a short time after that."""
        while connection.usable or not connection.idle:
            if not connection.idle or connection.readable(LINGER_S):
                connection.receive()
            else:
                with self._lock:
                    connection.usable = not connection.idle
        # A server that stops gracefully waits for the end of the connection.
        connection.close()
