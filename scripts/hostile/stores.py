"""Hostile stores: a web server in the command's own network that sends any content for any time."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from watched_commands import Command

from hostile.door import RAN, Ask, Door, Put
from porting.repository.web import METADATA_S

# The second server must get no request.
PORT, ELSEWHERE = 18080, 18081
DRIBBLE = "a dribble above the least rate"
Answer = Callable[[str, Path], Iterator[bytes]]
URL = f"http://127.0.0.1:{PORT}/store"


def plain(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def good(path: str, case: Path) -> Iterator[bytes]:
    """The files of the published repository."""
    file = case / "base" / "repository" / path.removeprefix("/store/")
    found = file.is_file()
    yield plain("200 OK", file.read_bytes()) if found else plain("404 Not Found", b"")


def at(name: str, answer: Answer) -> Answer:
    """A store with only one hostile file."""
    return lambda path, case: answer(path, case) if path.endswith(name) else good(path, case)


def body(data: bytes, *headers: str, status: str = "200 OK") -> Answer:
    return lambda path, case: iter([plain(status, data, *headers)])


def endless(head: bytes, piece: bytes, pause_s: float = 0.0) -> Answer:
    def answer(path: str, case: Path) -> Iterator[bytes]:
        yield head
        while True:
            yield piece
            time.sleep(pause_s)

    return answer


def silent(path: str, case: Path) -> Iterator[bytes]:
    time.sleep(3600)
    yield b""


OPEN, LONG = b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"


def latest(text: str) -> Answer:
    return body(text.encode())


def zipped_zeros() -> bytes:
    import zlib

    maker = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(1 << 24)
    return b"".join(maker.compress(piece) for _ in range(256)) + maker.flush()


EVERYWHERE: dict[str, Answer] = {
    "endless body": endless(OPEN, b"x" * 65536),
    "endless body of blanks": endless(OPEN, b" " * 65536),
    "a length of 1 TB": endless(LONG, b"x" * 65536),
    "one byte a second": endless(OPEN, b" ", 1.0),
    "one byte a second of a long one": endless(LONG, b"{", 1.0),
    # The pieces are so frequent that the command, which computes on each, is not idle.
    DRIBBLE: endless(OPEN + b" " * 60_000, b" " * 44, 0.002),
    "small answers without an end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
    "endless small answers": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "endless chunks": endless(CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    "a chunk that never ends": endless(CHUNKED, b"1", 0.01),
    "endless headers": endless(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
    "one header a second": endless(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", 1.0),
    "a status line without an end": endless(b"HTTP/1.1 ", b"2"),
    "nothing": silent,
    "a closed line": lambda path, case: iter(()),
    "no HTTP": lambda path, case: iter([b"hello\n"]),
    "half a body": lambda path, case: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"]),
    "4 GB in a small answer": lambda path, case: iter([ZIPPED, zipped_zeros()]),
    "a redirect to itself": lambda path, case: iter([plain("302 Found", b"", f"Location: {path}")]),
    "redirects without an end": lambda path, case: iter([plain("302 Found", b"", f"Location: {path}x")]),
    "a redirect to a file": body(b"", "Location: file:///etc/passwd", status="302 Found"),
    "a redirect elsewhere": body(b"", "Location: http://evil.example/", status="302 Found"),
    "a redirect inside": body(b"", "Location: http://169.254.169.254/latest/", status="301 Moved"),
    "a redirect to another port": body(b"", f"Location: http://127.0.0.1:{ELSEWHERE}/", status="302 Found"),
    "a redirect to another scheme": body(b"", f"Location: https://127.0.0.1:{PORT}/", status="302 Found"),
    "a redirect in another header": body(b"", f"URI: http://127.0.0.1:{ELSEWHERE}/", status="302 Found"),
    "not found": body(b"", status="404 Not Found"),
    "forbidden": body(b"", status="403 Forbidden"),
    "an error": body(b"\x1b[31m", status="500 \x1b[31mbad"),
    "unavailable": body(b"", "Retry-After: 3600", status="503 Busy"),
    "not modified": body(b"", status="304 Not Modified"),
    "a wrong encoding": body(b"{}", "Content-Encoding: evil"),
}
LATEST = {
    "up": '{"release": "../../x"}',
    "absolute": '{"release": "/etc"}',
    "a URL": '{"release": "http://evil.example/"}',
    "ANSI": '{"release": "\\u001b[31m"}',
    "empty": '{"release": ""}',
    "a number": '{"release": 7}',
    "nothing": "{}",
    "a list": "[]",
    "long": '{"release": "' + "x" * 900 + '"}',
    "10 MB": '{"release": "' + "x" * 10_000_000 + '"}',
    "deep": "[" * 1000,
    "no JSON": "hello",
    "RTL": '{"release": "a\u202eb"}',
    "a field more": '{"release": "a", "b": 1}',
    "not there": '{"release": "abcdef"}',
    "percent": '{"release": "%2e%2e"}',
}
ANSWERS = {
    "good": good,
    **{f"all: {name}": answer for name, answer in EVERYWHERE.items()},
    **{f"index: {name}": at("repository.json", answer) for name, answer in EVERYWHERE.items()},
    **{f"latest: {name}": at("latest.json", latest(text)) for name, text in LATEST.items()},
}


def serving(case: Path) -> Callable[[], None]:
    """Begins to answer as the case's file says."""
    answer = ANSWERS[(case / "answer").read_text()]

    def serve() -> None:
        for port, given in ((PORT, answer), (ELSEWHERE, noticed)):
            listener = socket.create_server(("127.0.0.1", port))
            threading.Thread(target=accepting, args=(listener, given, case), daemon=True).start()

    return serve


def noticed(path: str, case: Path) -> Iterator[bytes]:
    """The files of another server; a request to it shows that a command followed a wrong address."""
    (case / RAN).touch()
    return good(path, case)


def accepting(listener: socket.socket, answer: Answer, case: Path) -> None:
    while True:
        caller, _ = listener.accept()
        threading.Thread(target=answering, args=(caller, answer, case), daemon=True).start()


def answering(caller: socket.socket, answer: Answer, case: Path) -> None:
    try:
        with caller:
            request = caller.recv(65536).decode(errors="replace").split()
            for piece in answer(request[1] if len(request) > 1 else "/", case):
                caller.sendall(piece)
    except OSError:
        return


def asked(*texts: str) -> Ask:
    return lambda case: Command([text.replace("{case}", str(case)) for text in texts], serve=serving(case))


def answer_name(what: str) -> Put:
    return lambda case: (case / "answer").write_text(what)


door = Door(
    "store",
    lambda case: (case / "answer").write_text("good"),
    {
        "select": asked("select", URL, "--objective", "images_per_s"),
        "compare": asked("compare", "{case}/base/repository", URL),
    },
    parts=("base",),
)
for what in ANSWERS:
    if what != "good":
        wait_s = METADATA_S if what.endswith(DRIBBLE) else 0.0
        door.add(what, answer_name(what), waits_s=wait_s)
