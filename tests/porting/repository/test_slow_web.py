"""A web server that says nothing, or next to nothing, is given up in one line."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from porting.repository import Repository, web
from profiler.common.errors import DnnPortingError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


def nothing(client: socket.socket) -> None:
    time.sleep(20)


def byte_by_byte(client: socket.socket) -> None:
    client.sendall(HEAD)
    for _ in range(200):
        client.sendall(b" ")
        time.sleep(0.1)


def header_by_header(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(200):
        client.sendall(f"x{number}: y\r\n".encode())
        time.sleep(0.1)


def mark_without_an_end(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(200):
        client.sendall(b"0")
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


@pytest.mark.parametrize("answer", [nothing, byte_by_byte, header_by_header, mark_without_an_end])
def test_a_server_that_does_not_answer_is_given_up_in_one_line(
    answer: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "PATIENCE_S", 0.5)
    with server(answer) as address, pytest.raises(DnnPortingError, match="cannot be reached") as caught:
        Repository.load(address)
    assert len(str(caught.value).splitlines()) == 1


def test_a_server_is_not_followed_to_another_host() -> None:
    def leading(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://localhost:9/x\r\nContent-Length: 0\r\n\r\n")

    with server(leading) as address, pytest.raises(DnnPortingError, match="it leads to another host, localhost: give"):
        Repository.load(address)


def test_a_server_is_followed_on_its_own_host() -> None:
    def leading(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/x\r\nContent-Length: 0\r\n\r\n")

    with server(leading) as address, pytest.raises(DnnPortingError, match=r"127\.0\.0\.1:9"):
        Repository.load(address)
