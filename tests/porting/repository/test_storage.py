"""Where a repository's files are read from: nothing but its own files, no more of them than is allowed."""

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support import environment

from porting.repository.storage import Storage
from profiler.common.errors import BadInputError, DnnPortingError

ENDLESS = "/repository/endless"


class Pages(BaseHTTPRequestHandler):
    """A web server that knows no ranges, and one page that never ends."""

    files: ClassVar[dict[str, bytes]]

    def do_GET(self) -> None:
        if self.path == "/repository/broken":
            self.send_error(500)
        elif self.path == ENDLESS:
            self.send_response(200)
            self.end_headers()
            with suppress(ConnectionError):
                while True:
                    self.wfile.write(b"x" * 65536)
        elif self.path in self.files:
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.files[self.path])))
            self.end_headers()
            self.wfile.write(self.files[self.path])
        else:
            self.send_error(404)

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def web_server(files: dict[str, bytes]) -> Iterator[str]:
    """Serves `files` by their paths."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OwnPages", (Pages,), {"files": files}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/repository"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's own store in memory, empty before and after."""
    import fsspec

    filesystem = fsspec.filesystem("memory")
    # Other files' tests of this process put theirs there too.
    empty(filesystem)
    yield filesystem
    empty(filesystem)


def empty(filesystem: Any) -> None:
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "repository" / "a").mkdir(parents=True)
    (tmp_path / "repository" / "a" / "file.json").write_bytes(b"four")
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "repository"


def test_a_file_is_read_by_the_names_that_lead_to_it(folder: Path, memory: Any) -> None:
    memory.pipe_file("/store/a/file.json", b"four")
    with web_server({"/repository/a/file.json": b"four"}) as web:
        for url in (folder, str(folder), folder.as_uri(), "memory://store", web, f"{web}/"):
            assert Storage.at(url).read("a", "file.json", limit_bytes=4) == b"four"


def test_a_file_above_its_limit_is_refused_with_name_and_limit(folder: Path, memory: Any) -> None:
    memory.pipe_file("/store/a/file.json", b"four")
    with web_server({"/repository/a/file.json": b"four"}) as web:
        for url in (folder, "memory://store", web):
            with pytest.raises(BadInputError, match=r"a/file\.json is larger than 3 bytes.*publish"):
                Storage.at(url).read("a", "file.json", limit_bytes=3)


def test_a_file_above_its_limit_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unread(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError(size)

    @contextmanager
    def opened(path: Path, *_: object, **__: object) -> Iterator[io.FileIO]:
        with Unread(path) as file:
            yield file

    monkeypatch.setattr("profiler.common.door.opened", opened)
    with pytest.raises(BadInputError, match="larger than 3 bytes"):
        Storage.at(folder).read("a", "file.json", limit_bytes=3)
    with pytest.raises(AssertionError):
        Storage.at(folder).read("a", "file.json", limit_bytes=4)


def test_a_page_without_an_end_is_left_at_the_limit() -> None:
    with web_server({}) as web:
        with pytest.raises(BadInputError, match="endless is larger than 100000 bytes"):
            Storage.at(web).read("endless", limit_bytes=100_000)


def test_a_missing_file_is_named_with_its_place(folder: Path, memory: Any) -> None:
    with web_server({}) as web:
        for url in (folder, folder / "none", "memory://store", web):
            with pytest.raises(BadInputError, match=r"a/other\.json does not exist: .*publish"):
                Storage.at(url).read("a", "other.json", limit_bytes=9)


@pytest.mark.parametrize(
    "part",
    ["", ".", "..", "../secret", "a/file.json", "/etc/passwd", "a\\b", "a\0b", "file.json\n", "a?b", "%2e", "~", "ä"],
)
def test_a_part_that_is_no_plain_name_is_refused(folder: Path, memory: Any, part: str) -> None:
    for url in (folder, "memory://store"):
        root = Storage.at(url)
        for parts in ((part,), ("a", part), (part, "file.json")):
            with pytest.raises(BadInputError, match="is no file name of a repository"):
                root.read(*parts, limit_bytes=9)


def test_a_link_that_leaves_the_folder_is_refused(folder: Path) -> None:
    (folder / "a" / "absolute").symlink_to("/etc/passwd")
    (folder / "a" / "relative").symlink_to("../../secret")
    for name in ("absolute", "relative"):
        with pytest.raises(BadInputError, match="is a link, and a repository has none"):
            Storage.at(folder).read("a", name, limit_bytes=10_000)


def test_a_folder_that_is_linked_from_outside_is_refused(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere" / "file.json").write_bytes(b"")
    (folder / "b").symlink_to(folder.parent / "elsewhere")
    with pytest.raises(BadInputError, match="is a link, and a repository has none"):
        Storage.at(folder).read("b", "file.json", limit_bytes=9)


def test_what_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "circle").symlink_to("circle")
    for name in ("a", "pipe", "circle"):
        with pytest.raises(BadInputError, match=rf"{name} (is no plain file|is a link)"):
            Storage.at(folder).read(name, limit_bytes=9)


def test_an_open_root_keeps_to_its_folder_when_the_link_moves(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "next" / "a").mkdir(parents=True)
    (tmp_path / "next" / "a" / "file.json").write_bytes(b"next")
    link = tmp_path / "link"
    link.symlink_to(folder)
    before = Storage.at(link)
    link.unlink()
    link.symlink_to(tmp_path / "next")
    assert before.read("a", "file.json", limit_bytes=4) == b"four"
    assert Storage.at(link).read("a", "file.json", limit_bytes=4) == b"next"


def test_a_local_root_knows_its_folder_and_a_remote_one_says_how_to_get_one(folder: Path, memory: Any) -> None:
    for url in (folder, folder.as_uri()):
        assert Storage.at(url).local == folder
        assert str(Storage.at(url)) == str(folder)
    with pytest.raises(BadInputError, match=r"memory:///store is not on this machine.*copy it"):
        _ = Storage.at("memory://store").local


def test_a_store_is_read_at_its_latest_release_by_whoever_opens_it_then(memory: Any) -> None:
    for release in ("one", "two"):
        memory.pipe_file(f"/store/{release}/file.json", release.encode())
    memory.pipe_file("/store/latest.json", b'{"release": "one"}')
    before = Storage.at("memory://store/")
    memory.pipe_file("/store/latest.json", b'{"release": "two"}')
    assert before.read("file.json", limit_bytes=9) == b"one"
    assert Storage.at("memory://store").read("file.json", limit_bytes=9) == b"two"
    assert str(before) == "memory:///store/one"
    assert Storage.at(str(before)).read("file.json", limit_bytes=9) == b"one"


def test_a_repository_is_read_where_a_missing_file_is_called_forbidden() -> None:
    from fsspec import register_implementation, url_to_fs
    from fsspec.implementations.memory import MemoryFileSystem

    def cat_file(self: Any, path: str, **options: Any) -> Any:
        if not self.exists(path):
            raise PermissionError("Forbidden")
        return MemoryFileSystem.cat_file(self, path, **options)

    # A bucket that may be read and not listed; fsspec has no types of which a class statement could inherit.
    members = {"protocol": "guarded", "store": {}, "cat_file": cat_file}
    register_implementation("guarded", type("Guarded", (MemoryFileSystem,), members), clobber=True)
    filesystem, path = url_to_fs("guarded://store/file.json")
    filesystem.pipe_file(path, b"four")
    root = Storage.at("guarded://store")
    assert root.read("file.json", limit_bytes=9) == b"four"
    with pytest.raises(BadInputError, match=r"other\.json is forbidden \(Forbidden\): check credentials"):
        root.read("other.json", limit_bytes=9)


def test_a_web_server_that_serves_a_store_is_read_at_its_latest_release() -> None:
    pages = {"/repository/latest.json": b'{"release": "one"}', "/repository/one/file.json": b"one"}
    with web_server(pages) as web:
        assert Storage.at(web).read("file.json", limit_bytes=9) == b"one"


@pytest.mark.parametrize(
    "content",
    [
        b'{"release": "../other"}', b'{"release": "/other"}', b'{"release": ".."}', b'{"release": ""}',
        b'{"release": "one\\n"}', b'{"release": "a\\u0000"}', b'{"release": 1}', b'{"release": null}', b"{}", b"[]",
        b'"one"', b"", b"\xff", b"[" * 1000, b'{"release": "one"}' + b" " * 2000,
    ],
)  # fmt: skip
def test_a_latest_that_names_no_release_is_refused_in_one_line(memory: Any, content: bytes) -> None:
    memory.pipe_file("/store/latest.json", content)
    memory.pipe_file("/other/file.json", b"other")
    with pytest.raises(BadInputError, match=r"latest\.json") as caught:
        Storage.at("memory://store")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense://a", "s4://bucket"])
def test_an_address_of_no_known_kind_is_refused(url: str) -> None:
    with pytest.raises(BadInputError, match="give a folder, s3:// or https://"):
        Storage.at(url)


def test_a_web_server_that_fails_or_is_not_there_is_an_error_in_one_line() -> None:
    with web_server({}) as web:
        with pytest.raises(DnnPortingError, match=r"broken cannot be reached .*check address") as caught:
            Storage.at(web).read("broken", limit_bytes=9)
        assert "\n" not in str(caught.value)
    with pytest.raises(DnnPortingError, match=r"latest\.json cannot be reached") as caught:
        Storage.at(web)
    assert "\n" not in str(caught.value)


def test_reading_a_folder_loads_nothing_that_only_stores_need(folder: Path) -> None:
    program = (
        "import sys; import porting.repository; from porting.repository.storage import Storage;"
        f"Storage.at({str(folder)!r}).read('a', 'file.json', limit_bytes=9);"
        "print([name for name in ('fsspec', 's3fs', 'torch', 'aiohttp', 'mlflow') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], env=environment(), capture_output=True, text=True, timeout=60)
    assert run.stdout == "[]\n", run.stderr
