"""A web server that says nothing, or next to nothing, is given up in one line."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from yarl import URL

from porting.repository import Repository, web
from porting.repository.storage import Storage, opened
from profiler.common.errors import DnnPortingError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
GIVEN_UP = (
    r"^http://[\w.:/]+\.json cannot be reached in time \(it sent \d+ bytes of the file in [\d.]+ s; .*local folder$"
)


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


def small_answers_without_an_end(client: socket.socket) -> None:
    for _ in range(200):
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.1)


def dribbled(client: socket.socket) -> None:
    """Ten times the least rate, and an end that nobody waits for."""
    client.sendall(HEAD)
    for _ in range(100):
        client.sendall(b" " * 10_000)
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


@pytest.mark.parametrize(
    "answer", [nothing, byte_by_byte, header_by_header, mark_without_an_end, small_answers_without_an_end]
)
def test_a_server_that_does_not_answer_is_given_up_in_one_line(
    answer: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "PATIENCE_S", 0.5)
    with server(answer) as address, pytest.raises(DnnPortingError, match=GIVEN_UP) as caught:
        Repository.load(address)
    assert len(str(caught.value).splitlines()) == 1


def test_a_server_above_the_least_rate_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(dribbled) as address:
        assert web_files(address).beginning(f"{address}/a.json", 50_000) == b" " * 50_000
        monkeypatch.setattr(web, "METADATA_S", 0.3)
        monkeypatch.setattr(web, "METADATA_FILE_S", 0.1)
        with pytest.raises(DnnPortingError, match=GIVEN_UP):
            web_files(address).beginning(f"{address}/a.json", 500_000)


def test_a_large_file_may_take_as_long_as_its_limit_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "INDEX_LIMIT_BYTES", 1000)
    monkeypatch.setattr(web, "METADATA_S", 0.0)
    monkeypatch.setattr(web, "METADATA_FILE_S", 0.0)
    monkeypatch.setattr(web, "LARGE_BYTES_PER_S", 1_000_000)
    with server(dribbled) as address:
        with pytest.raises(DnnPortingError, match=r"model\.onnx cannot be reached in time"):
            web_files(address).beginning(f"{address}/model.onnx", 500_000)
        monkeypatch.setattr(web, "LARGE_BYTES_PER_S", 10_000)
        assert web_files(address).beginning(f"{address}/model.onnx", 50_000) == b" " * 50_000


def test_the_small_files_of_a_repository_share_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(client: socket.socket) -> None:
        time.sleep(0.4)
        client.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"release":"r"}')

    monkeypatch.setattr(web, "METADATA_S", 0.7)
    monkeypatch.setattr(web, "METADATA_FILE_S", 0.0)
    with server(late) as address:
        release = Storage.at(address)
        with pytest.raises(DnnPortingError, match=GIVEN_UP):
            release.read("a.json", limit_bytes=20)


def test_quick_answers_take_nothing_of_the_time_that_files_share(monkeypatch: pytest.MonkeyPatch) -> None:
    def quick(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    monkeypatch.setattr(web, "METADATA_S", 0.0)
    with server(quick) as address:
        files = web_files(address)
        assert [files.beginning(f"{address}/a.json", 10) for _ in range(20)] == [b"{}"] * 20


def web_files(address: str) -> web.WebFiles:
    return web.WebFiles(opened(address)[0])


@pytest.mark.parametrize("header", ["Location", "URI"])
@pytest.mark.parametrize("there", ["http://localhost:9", "http://127.0.0.1:9", "https://127.0.0.1:9"])
def test_a_server_is_not_followed_to_another(there: str, header: str) -> None:
    def leading(client: socket.socket) -> None:
        client.sendall(f"HTTP/1.1 302 Found\r\n{header}: {there}/x\r\nContent-Length: 0\r\n\r\n".encode())

    with server(leading) as address, pytest.raises(DnnPortingError, match=f"it leads to another server, {there}: give"):
        Repository.load(address)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("https://a/x", "http://a/x"),
        ("https://a/x", "http://a:443/x"),
        ("http://a/x", "https://a/x"),
        ("http://a:80/x", "http://a:81/x"),
        ("http://a/x", "//b/x"),
        ("http://a/x", "https:/x"),
    ],
)
def test_another_scheme_host_or_port_is_another_server(here: str, there: str) -> None:
    with pytest.raises(OSError, match="it leads to another server"):
        asyncio.run(web.check_redirect(*redirect(here, there)))


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("http://a/x", "http://a:80/y"),
        ("https://a:443/x", "https://a/y"),
        ("http://a:8080/x", "/y"),
        ("http://a:8080/x", "y"),
    ],
)
def test_another_address_of_the_same_server_is_followed(here: str, there: str) -> None:
    assert asyncio.run(web.check_redirect(*redirect(here, there))) is None


def redirect(here: str, there: str) -> Any:
    return None, None, SimpleNamespace(url=URL(here), response=SimpleNamespace(headers={"Location": there}))


def test_a_server_is_followed_on_its_own_addresses() -> None:
    answers = [b"302 Found\r\nLocation: /x", b"500 Bad"]

    def leading(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 " + answers.pop(0) + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    with server(leading) as address, pytest.raises(DnnPortingError, match="500"):
        Repository.load(address)


def test_a_server_that_leads_nowhere_is_given_up_in_words() -> None:
    def leading(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 302 Found\r\nLocation: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    with server(leading) as address, pytest.raises(DnnPortingError, match="it leads from one address to the next, 10"):
        Repository.load(address)
