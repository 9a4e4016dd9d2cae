"""An HTTP/2 server that does on each connection what the test says, frame by frame."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from profiler.runtimes.kserve import frames as http2
from profiler.runtimes.kserve.grpc import PREFIX_BYTES, framed

WAIT_S = 20
PREFACE_BYTES = 24
OK, STATUS_0 = b"\x88", b"\x00\x0bgrpc-status\x010"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Peer:
    """One connection of a client, greeted."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket, self._frames = connection, http2.FrameBuffer()
        self._ended: list[tuple[int, bytes]] = []
        self._bodies: dict[int, bytes] = {}
        heard = b""
        while len(heard) < PREFACE_BYTES:
            heard += self._receive()
        self._take(heard[PREFACE_BYTES:])

    def _receive(self) -> bytes:
        received = self._socket.recv(2**16)
        if not received:
            raise ConnectionError
        return received

    def _take(self, received: bytes) -> None:
        for frame in self._frames.add(received):
            if frame.kind == http2.DATA:
                self._bodies[frame.stream] = self._bodies.get(frame.stream, b"") + frame.payload
                if frame.flags & http2.END_STREAM:
                    self._ended.append((frame.stream, self._bodies[frame.stream][PREFIX_BYTES:]))

    def say(self, *frames: bytes) -> None:
        self._socket.sendall(b"".join(frames))

    def greet(self) -> None:
        self.say(http2.pack(http2.SETTINGS))

    def requests(self, number: int) -> list[tuple[int, bytes]]:
        """The next ones, when they are whole: the stream's number and the message."""
        while len(self._ended) < number:
            self._take(self._receive())
        taken, self._ended = self._ended[:number], self._ended[number:]
        return taken

    def answer(self, stream: int, message: bytes) -> None:
        self.say(
            http2.pack(http2.HEADERS, http2.END_HEADERS, stream, OK),
            http2.pack(http2.DATA, 0, stream, framed(message)),
            http2.pack(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, stream, STATUS_0),
        )

    def go_away(self, last: int) -> None:
        self.say(http2.pack(http2.GOAWAY, payload=last.to_bytes(4, "big") + bytes(4)))

    def reset(self) -> None:
        """Ends the connection as a process does that dies."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._socket.close()

    def finish(self) -> None:
        """Says nothing more, and still listens."""
        self._socket.shutdown(socket.SHUT_WR)

    def wait_for_end(self) -> None:
        """Returns when the client has closed."""
        with suppress(ConnectionError):
            while True:
                self._receive()


Script = Callable[[Peer], None]


def echo(peer: Peer) -> None:
    """Answers every request with its own message."""
    peer.greet()
    while True:
        for stream, message in peer.requests(1):
            peer.answer(stream, message)


@contextmanager
def scripted_server(*scripts: Script) -> Iterator[str]:
    """HOST:PORT; each connection follows the next script, those beyond the last one the last, and closes with it."""
    threads: list[threading.Thread] = []

    def follow(connection: socket.socket, script: Script) -> None:
        with connection, suppress(OSError):
            script(Peer(connection))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.settimeout(WAIT_S)
                script = scripts[min(len(threads), len(scripts) - 1)]
                threads.append(threading.Thread(target=follow, args=[connection, script]))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(WAIT_S)
            for thread in threads:
                thread.join(WAIT_S)
