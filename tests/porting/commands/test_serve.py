"""`dnn-porting serve`: it answers whoever asks, and nobody but who started it makes it do anything else."""

import base64
import http.server
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chromium import FLAGS
from made_live import SMALL, live_repository
from support import CLASSES, SIZE, command_line, environment

from profiler.triton.server import free_port

pytestmark = pytest.mark.integration
HEADER, NOBODY = "dnn-porting-token", 65534
LOAD = "v2/repository/models/evil/load"
TELLING = ["v2", f"v2/models/{SMALL}", f"v2/models/{SMALL}/config", f"v2/models/{SMALL}/stats", "v2/repository/index"]


class Serving:
    """A running `serve` of the folder."""

    def __init__(self, folder: Path, *arguments: str, home: Path | None = None) -> None:
        self.port, grpc = free_port(), free_port()
        ports = ["--http-port", str(self.port), "--grpc-port", str(grpc)]
        temporary = {} if home is None else {"TMPDIR": str(home)}
        self.process = subprocess.Popen(
            command_line("serve", str(folder), *ports, *arguments),
            env={**environment(), **temporary},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = ""
        while "Ctrl-C stops" not in self.said and (line := self.process.stdout.readline()):
            self.said += line

    def asked(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """The code and the answer by HTTP."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return int(answer.status), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def infer(self) -> list[float]:
        tensor = {"name": "input", "shape": [1, 1, SIZE, SIZE], "datatype": "FP32", "data": [1.0] * SIZE**2}
        code, answer = self.asked(f"v2/models/{SMALL}/infer", json.dumps({"inputs": [tensor]}).encode())
        assert code == 200, answer
        return list(json.loads(answer)["outputs"][0]["data"])


@contextmanager
def serving(folder: Path, *arguments: str, home: Path | None = None) -> Iterator[Serving]:
    running = Serving(folder, *arguments, home=home)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(live_repository(tmp_path_factory.mktemp("live")).storage.local)


@pytest.fixture(scope="module")
def token_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("control") / "token"


@pytest.fixture(scope="module")
def served(repository: Path, token_path: Path) -> Iterator[Serving]:
    with serving(repository, "--token-file", str(token_path)) as running:
        yield running


def order(ran: Path) -> bytes:
    """To load a model whose code makes the file."""
    code = f"open({str(ran)!r}, 'w').close()\nclass TritonPythonModel:\n    def execute(self, requests): return []\n"
    tensor = {"name": "x", "data_type": "TYPE_FP32", "dims": [1]}
    config = {"backend": "python", "max_batch_size": 0, "input": [tensor], "output": [{**tensor, "name": "y"}]}
    model = base64.b64encode(code.encode()).decode()
    return json.dumps({"parameters": {"config": json.dumps(config), "file:1/model.py": model}}).encode()


def test_it_infers_and_is_healthy_and_tells_nothing_else(served: Serving) -> None:
    assert len(served.infer()) == CLASSES
    assert served.asked("v2/health/ready")[0] == served.asked(f"v2/models/{SMALL}/ready")[0] == 200
    assert [served.asked(path)[0] for path in TELLING] == [403] * len(TELLING)


def test_only_its_user_reads_the_token_file_and_what_it_says_controls_the_server(
    served: Serving, token_path: Path, tmp_path: Path
) -> None:
    assert stat.S_IMODE(token_path.stat().st_mode) == 0o600
    token = token_path.read_text().strip()
    assert token not in served.said
    assert served.asked("v2/repository/index", b"{}", **{HEADER: token})[0] == 200
    assert served.asked(LOAD, order(tmp_path / "refused"))[0] == 403
    assert not (tmp_path / "refused").exists()
    # So the order would do what a stranger wants.
    assert served.asked(LOAD, order(tmp_path / "ran"), **{HEADER: token}) == (200, b"")
    assert (tmp_path / "ran").exists()
    assert served.asked(LOAD.replace("load", "unload"), b"{}", **{HEADER: token})[0] == 200


@pytest.mark.browser
def test_a_page_in_a_browser_makes_the_server_load_nothing(served: Serving, chromium: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as page_server, sync_playwright() as playwright:
        threading.Thread(target=page_server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{page_server.server_port}/")
        send = "([url, body]) => fetch(url, {method: 'POST', mode: 'no-cors', body}).then(answer => answer.type)"
        address = f"http://127.0.0.1:{served.port}"
        # It reaches the server, and is told nothing.
        assert page.evaluate(send, [f"{address}/{LOAD}", order(tmp_path / "ran").decode()]) == "opaque"
        browser.close()
        page_server.shutdown()
    assert served.asked("v2/models/evil/ready")[0] != 200
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")
def test_another_user_of_the_machine_makes_the_server_load_nothing(served: Serving, tmp_path: Path) -> None:
    program = (
        "import encodings.idna, os, sys, urllib.request, urllib.error\n"
        "os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2]))\n"
        "try: urllib.request.urlopen(sys.argv[1], sys.stdin.buffer.read())\n"
        "except urllib.error.HTTPError as error: print(error.code)\n"
    )
    address = f"http://127.0.0.1:{served.port}/{LOAD}"
    done = subprocess.run(
        [sys.executable, "-c", program, address, str(NOBODY)], input=order(tmp_path / "ran"), capture_output=True
    )
    assert done.stdout.split() == [b"403"], done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["a b", "a$(touch ran)b", "a;touch ran;", "a`touch ran`", "a'\"b"])
def test_a_repository_and_a_place_for_temporary_files_may_be_called_anything(
    repository: Path, tmp_path: Path, name: str
) -> None:
    place = tmp_path / name
    place.mkdir()
    named = place / "repository"
    named.symlink_to(repository)
    with serving(named, home=place) as running:
        assert len(running.infer()) == CLASSES, running.said
    assert [path.name for path in tmp_path.rglob("*") if path.name == "ran"] == []


def test_a_token_file_that_is_there_is_left_alone_and_ends_it_at_once(repository: Path, tmp_path: Path) -> None:
    precious, link = tmp_path / "precious", tmp_path / "link"
    precious.write_text("mine")
    link.symlink_to(tmp_path / "elsewhere")
    for path in (precious, link):
        with serving(repository, "--token-file", str(path)) as running:
            assert f"token file {path} cannot be made (File exists)" in running.said
            assert running.process.wait(20) == 2
    assert precious.read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


def test_ctrl_c_ends_it_soon_and_takes_the_token_file_with_it(repository: Path, tmp_path: Path) -> None:
    path = tmp_path / "token"
    with serving(repository, "--token-file", str(path), home=tmp_path) as running:
        assert path.exists()
        began = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        running.process.wait(20)
        assert time.monotonic() - began < 4
    assert not path.exists()
    assert not list(tmp_path.glob("*dnn-porting-*"))
