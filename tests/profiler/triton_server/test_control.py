"""Who controls a server of ours: nobody but us, whoever asks in whatever way, and nobody can read how we do."""

import os
import socket
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from support import environment
from survival import regions
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from profiler.common.errors import ServerError
from profiler.common.target import Resources, Target
from profiler.runtimes.kserve.own_triton import OwnTriton
from profiler.runtimes.kserve.server import Authorised, V2Server
from profiler.system.processes import tree
from profiler.triton import hidden_arguments
from profiler.triton.access import CONTROL, READ_ONLY
from profiler.triton.installation import find_triton
from profiler.triton.server import RunningServer, free_port, triton_server

pytestmark = pytest.mark.integration
ONE = Resources(cores=1, threads=1, instances=1)
NOBODY = 65534
# What a stranger asks for by HTTP (a body is posted), and what that is.
BY_HTTP = {
    "model-repository": ["v2/repository/index", "v2/repository/models/m/load", "v2/repository/models/m/unload"],
    "shared-memory": ["v2/systemsharedmemory/region/r/register", "v2/systemsharedmemory/unregister"],
    "logging": ["v2/logging"],
    "trace": ["v2/trace/setting"],
}
# The same by gRPC, as a program of its own, which may read nothing of ours once it has its imports.
ASK = """
import os, sys
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException
os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2]))
client = InferenceServerClient(sys.argv[1])
assert client.is_server_live()
for call in (
    lambda: client.load_model("m", config='{"backend": "python"}', files={"file:1/model.py": b"import os"}),
    client.get_model_repository_index,
    lambda: client.unload_model("m"),
    lambda: client.register_system_shared_memory("r", "/r", 1),
    lambda: client.update_log_settings({"log_verbose_level": 1}),
    lambda: client.update_trace_settings(settings={"trace_level": ["TIMESTAMPS"]}),
):
    try:
        call()
        print("done")
    except InferenceServerException as error:
        print("refused" if "restricted" in str(error) else error)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with triton_server(find_triton(), http_port=free_port()) as running:
        yield running


def http_address(server: RunningServer) -> str:
    command = psutil.Process(server.process.pid).cmdline()
    (port,) = (one.partition("=")[2] for one in command if one.startswith("--http-port="))
    return f"http://127.0.0.1:{port}"


def code_of(address: str, path: str, body: bytes | None = None, token: str | None = None) -> int:
    headers = {} if token is None else {"dnn-porting-token": token}
    request = urllib.request.Request(f"{address}/{path}", body, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(("interface", "path"), [(name, path) for name, paths in BY_HTTP.items() for path in paths])
def test_what_changes_a_server_is_refused_by_http_without_its_token(
    server: RunningServer, interface: str, path: str
) -> None:
    assert interface in CONTROL
    for token in (None, "", "wrong", server.token[:-1]):
        assert code_of(http_address(server), path, b"{}", token) == 403
    assert code_of(http_address(server), path, b"{}", server.token) != 403


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")
def test_another_user_of_the_machine_is_refused_by_grpc(server: RunningServer) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK, server.endpoint, str(NOBODY)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["refused"] * 6


def test_who_has_the_token_is_heard_by_grpc(server: RunningServer) -> None:
    with InferenceServerClient(server.endpoint) as client:
        client.register_plugin(Authorised(lambda: server.token))
        assert list(client.get_model_repository_index().models) == []


def test_a_token_of_an_earlier_start_is_refused(server: RunningServer) -> None:
    with triton_server(find_triton()) as other:
        assert other.token != server.token
        stale = V2Server(other.endpoint, lambda: server.token)
        with pytest.raises(ServerError, match="restricted"):
            stale.unload("m")
        stale.close()


def test_a_closed_interface_may_be_any(network: Path) -> None:
    port = free_port()
    with triton_server(find_triton(), http_port=port, closed=(*CONTROL, *READ_ONLY)) as server:
        for path in ("v2", "v2/models/m", "v2/models/m/config", "v2/models/stats", "v2/models/m/stats"):
            assert code_of(f"http://127.0.0.1:{port}", path) == 403
        assert code_of(f"http://127.0.0.1:{port}", "v2/health/ready") == 200
        with InferenceServerClient(server.endpoint) as client, pytest.raises(InferenceServerException, match="restr"):
            client.get_server_metadata()


def test_the_profiler_s_server_loads_for_the_profiler_only(network: Path) -> None:
    own = OwnTriton(Target(), cores=[0])
    try:
        own.load("m", network, ONE)
        stranger = V2Server(own.address)
        assert stranger.name_and_version()[0] == "triton"
        assert stranger.inference_count("m") == 0
        with pytest.raises(ServerError, match="restricted"):
            stranger.unload("m")
        assert not stranger.load("other", '{"backend": "python"}', {"file:1/model.py": b"import os"})
        assert stranger.ready("m")
        stranger.close()
    finally:
        own.close()


class Watch(threading.Thread):
    """Reads the arguments of every process that there is, as fast as it can."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[bytes] = set()
        self.over = False

    def run(self) -> None:
        while not self.over:
            for folder in os.listdir("/proc"):  # noqa: PTH208
                if folder.isdigit():
                    try:
                        with open(f"/proc/{folder}/cmdline", "rb") as file:  # noqa: PTH123
                            self.seen.add(file.read())
                    except OSError:
                        continue


def test_no_process_shows_the_token_while_a_server_starts_and_serves(network: Path) -> None:
    watch = Watch()
    watch.start()
    own = OwnTriton(Target(), cores=[0])
    try:
        own.load("m", network, ONE)
        token, family = own._running.token.encode(), tree(own.process)
        assert own._running.hidden
        shown = [Path(f"/proc/{one.pid}/cmdline").read_bytes() for one in family]
        modes = {stat.S_IMODE(Path(f"/proc/{one.pid}/environ").stat().st_mode) for one in family}
    finally:
        own.close()
        watch.over = True
        watch.join()
    assert len(family) >= 2
    assert modes == {0o400}
    assert not any(token in arguments for arguments in (*shown, *watch.seen))
    # It saw the launcher, and the server.
    assert sum(b"DNN_PORTING_SECRET_0" in arguments for arguments in watch.seen) >= 2


def test_a_launcher_that_begins_after_its_trace_shows_no_token(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(["sh", "-c", 'sleep 0.3; exec "$@"', "sh", *command], **options)

    monkeypatch.setattr(hidden_arguments, "subprocess", SimpleNamespace(Popen=late))
    with triton_server(find_triton()) as server:
        assert server.hidden
        shown = [Path(f"/proc/{one.pid}/cmdline").read_bytes() for one in tree(server.process.pid)]
        assert not any(server.token.encode() in arguments for arguments in shown)


def test_where_no_process_may_be_traced_the_server_starts_and_the_log_says_what_that_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(hidden_arguments, "ptrace", refuse)
    with triton_server(find_triton()) as server:
        assert not server.hidden
        assert "every user of this machine can read this server's token" in server.log.read_text()
        known = V2Server(server.endpoint, lambda: server.token)
        known.unload("m")
        known.close()


def test_shared_memory_and_all_that_a_server_writes_is_for_its_user_only(network: Path) -> None:
    own = OwnTriton(Target(), cores=[0])
    try:
        own.load("m", network, ONE)
        folder = own._running.log.parent
        made = [*regions(own.process), folder]
        assert len(made) >= 3
        assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in made)
    finally:
        own.close()


def test_who_answers_on_the_port_is_not_taken_for_a_server_of_ours(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(server.endpoint.split(":")[1])
    monkeypatch.setattr("profiler.triton.server.check_port", lambda _: None)
    with pytest.raises(ServerError, match="tritonserver exited with code"), triton_server(find_triton(), None, port):
        pass
    with socket.create_connection(("127.0.0.1", port)):
        assert server.process.poll() is None


def test_our_own_server_forgets_a_token_when_it_dies(network: Path) -> None:
    own = OwnTriton(Target(), cores=[0])
    try:
        first = own._running.token
        assert own.restart()
        assert own._running.token != first
        own.load("m", network, ONE)
    finally:
        own.close()
