"""A web server that says nothing, or next to nothing, is given up in one line."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from porting.repository import Repository
from porting.repository import root as web
from profiler.common.errors import DnnPortingError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


def nothing(client: socket.socket) -> None:
    time.sleep(20)


def byte_by_byte(client: socket.socket) -> None:
    client.sendall(HEAD)
    for _ in range(200):
        client.sendall(b" ")
        time.sleep(0.1)


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that answers every request so."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    threading.Thread(target=answered, args=(client,), daemon=True).start()

        def answered(client: socket.socket) -> None:
            with client, suppress(OSError):
                client.recv(4096)
                answer(client)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/repository"


@pytest.mark.parametrize("answer", [nothing, byte_by_byte])
def test_a_server_that_does_not_answer_is_given_up_in_one_line(
    answer: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "PATIENCE_S", 0.5)
    with server(answer) as address, pytest.raises(DnnPortingError, match="cannot be reached") as caught:
        Repository.load(address)
    assert len(str(caught.value).splitlines()) == 1
