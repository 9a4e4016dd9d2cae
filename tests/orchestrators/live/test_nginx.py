"""A real NGINX before servers that answer, hang, die or are not there."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Protocol

import grpc
import numpy as np
import psutil
import pytest
from servers.bare import bare_server
from servers.behind_nginx import NEEDS_NGINX
from servers.collector import Collector
from servers.scripted import Peer, scripted_server
from support import environment

from orchestrators.live.nginx import find_nginx, nginx_server
from orchestrators.live.nginx_master import reload, wait_until_gone
from profiler.common.errors import BadInputError, ServerError, ServerNotFoundError
from profiler.common.scratch import scratch
from profiler.runtimes.kserve import frames as http2
from profiler.runtimes.kserve.channel import Channel
from profiler.runtimes.kserve.grpc import framed
from profiler.runtimes.kserve.message import METHOD
from profiler.triton.server import free_port

WAIT_S = 20
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
Infer = Callable[[bytes, grpc.ServicerContext], bytes]


class Abortable(Protocol):
    """The part of gRPC's context that ends a call, of which gRPC gives no type."""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        """Raises the error that the client gets."""


def saying(word: bytes) -> Infer:
    return lambda *_: word


def echo(request: bytes, _: grpc.ServicerContext) -> bytes:
    return request


def channel(endpoint: str) -> Channel:
    return Channel(endpoint, METHOD, WAIT_S)


@pytest.mark.integration
@NEEDS_NGINX
def test_each_request_is_balanced_also_those_of_one_connection() -> None:
    with bare_server(saying(b"a")) as a, bare_server(saying(b"b")) as b, nginx_server([a, b]) as nginx:
        calls = channel(nginx.endpoint)
        answers = [calls.call(framed(b"")) for _ in range(100)]
    assert sorted(set(answers)) == [b"a", b"b"]
    assert 40 <= answers.count(b"a") <= 60


@pytest.mark.integration
@NEEDS_NGINX
def test_the_server_with_the_fewest_requests_under_way_gets_the_next_one() -> None:
    begun, awake = threading.Semaphore(0), threading.Event()

    def hang(*_: object) -> bytes:
        begun.release()
        assert awake.wait(WAIT_S)
        return b"a"

    with bare_server(hang) as a, bare_server(saying(b"b")) as b, nginx_server([a, b]) as nginx:
        calls, collector = channel(nginx.endpoint), Collector()
        while not begun.acquire(blocking=False):
            calls.send(framed(b""), collector.take)
            time.sleep(0.01)
        assert [calls.call(framed(b"")) for _ in range(20)] == [b"b"] * 20
        awake.set()
        calls.close()


@pytest.mark.integration
@NEEDS_NGINX
@pytest.mark.parametrize("size", [0, 1, 2**16, 5 * 2**20])
def test_what_is_sent_and_answered_arrives_whole_however_large(size: int) -> None:
    message = np.random.default_rng(size).bytes(size)
    with bare_server(echo, options=UNLIMITED) as server, nginx_server([server]) as nginx:
        assert channel(nginx.endpoint).call(framed(message)) == message


@pytest.mark.integration
@NEEDS_NGINX
def test_a_server_s_own_error_arrives_with_status_and_details() -> None:
    def refuse(_: bytes, context: Abortable) -> bytes:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such input")

    with (
        bare_server(refuse) as server,
        nginx_server([server]) as nginx,
        pytest.raises(ServerError, match="INVALID_ARGUMENT: no such input"),
    ):
        channel(nginx.endpoint).call(framed(b""))


@pytest.mark.integration
@NEEDS_NGINX
def test_a_server_that_is_not_there_costs_no_request() -> None:
    with bare_server(echo) as server, nginx_server([f"127.0.0.1:{free_port()}", server]) as nginx:
        calls = channel(nginx.endpoint)
        assert [calls.call(framed(b"x")) for _ in range(50)] == [b"x"] * 50


@pytest.mark.integration
@NEEDS_NGINX
@pytest.mark.parametrize("size", [1, 300_000])
def test_a_server_that_dies_with_requests_costs_none_of_them(size: int) -> None:
    died = threading.Semaphore(0)

    def dying(peer: Peer) -> None:
        peer.greet()
        if size == 1:
            peer.requests(1)
        died.release()
        peer.reset()

    message = np.random.default_rng(size).bytes(size)
    with scripted_server(dying) as dead, bare_server(echo) as server, nginx_server([dead, server]) as nginx:
        calls, collector = channel(nginx.endpoint), Collector()
        for _ in range(50):
            calls.send(framed(message), collector.take)
        assert collector.wait_for(50) == [message] * 50
        assert died.acquire(timeout=WAIT_S)
        calls.close()


@pytest.mark.integration
@NEEDS_NGINX
def test_where_no_server_is_left_the_client_is_told() -> None:
    with (
        nginx_server([f"127.0.0.1:{free_port()}"]) as nginx,
        pytest.raises(ServerError, match="HTTP status 502"),
    ):
        channel(nginx.endpoint).call(framed(b"x"))


@pytest.mark.integration
@NEEDS_NGINX
def test_a_connection_that_has_had_its_requests_ends_and_none_is_lost() -> None:
    with bare_server(echo) as server, nginx_server([server]) as nginx:
        config = nginx.servers_file.with_name("nginx.conf")
        config.write_text(config.read_text().replace("keepalive_requests 100000", "keepalive_requests 40"))
        wait_until_gone(reload(nginx.pid_file))
        calls, collector = channel(nginx.endpoint), Collector()
        messages = [str(number).encode() for number in range(500)]
        for message in messages[:250]:
            calls.send(framed(message), collector.take)
        assert [calls.call(framed(message)) for message in messages[250:]] == messages[250:]
        assert sorted(collector.wait_for(250), key=str) == sorted(messages[:250], key=str)
        calls.close()


@pytest.mark.integration
@NEEDS_NGINX
def test_an_old_worker_ends_when_it_has_answered_also_where_idle_connections_stay_open() -> None:
    begun, awake = threading.Event(), threading.Event()

    def hang(request: bytes, _: grpc.ServicerContext) -> bytes:
        if request == b"hang":
            begun.set()
            assert awake.wait(WAIT_S)
        return request

    with bare_server(hang) as server, nginx_server([server]) as nginx:
        idle, calls, collector = channel(nginx.endpoint), channel(nginx.endpoint), Collector()
        idle.call(framed(b"x"))
        calls.send(framed(b"hang"), collector.take)
        assert begun.wait(WAIT_S)
        with socket.create_connection(("127.0.0.1", int(nginx.endpoint.split(":")[1]))):
            (worker,) = reload(nginx.pid_file)
            assert idle.call(framed(b"y")) == b"y"
            assert worker.is_running()
            awake.set()
            wait_until_gone([worker])
        assert collector.wait_for(1) == [b"hang"]
        calls.close()


@pytest.mark.integration
@NEEDS_NGINX
def test_a_client_who_connects_before_a_reload_and_speaks_after_it_keeps_no_old_worker() -> None:
    with bare_server(echo) as server, nginx_server([server]) as nginx:
        with socket.create_connection(("127.0.0.1", int(nginx.endpoint.split(":")[1]))) as client:
            time.sleep(0.2)
            workers = reload(nginx.pid_file)
            client.sendall(http2.preface())
            assert client.recv(2**16)
            wait_until_gone(workers)
            client.sendall(http2.pack(http2.PING, payload=bytes(8)))
            assert http2.pack(http2.PING, http2.ACK, payload=bytes(8)) in client.recv(2**16)


@NEEDS_NGINX
def test_a_port_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(BadInputError, match=f"port {port} cannot be used"), nginx_server(["127.0.0.1:1"], port):
            pass


@pytest.mark.integration
@NEEDS_NGINX
def test_an_nginx_that_cannot_start_gives_its_own_reason() -> None:
    with (
        pytest.raises(ServerError, match=r"NGINX exited with code 1: .*host not found"),
        nginx_server(["nowhere.test:1"]),
    ):
        pass


def test_no_nginx_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("orchestrators.live.nginx.SYSTEM", str(tmp_path))
    with pytest.raises(ServerNotFoundError, match="make nginx"):
        find_nginx()


@pytest.mark.integration
@NEEDS_NGINX
def test_it_dies_with_a_killed_orchestrator_and_its_folder_is_removed_later() -> None:
    code = (
        "import time\nfrom orchestrators.live.nginx import nginx_server\n"
        "with nginx_server(['127.0.0.1:1']) as nginx:\n"
        " print(nginx.process.pid, nginx.servers_file.parent, flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", code], env=environment(), stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        pid, folder = other.stdout.readline().split()
        master = psutil.Process(int(pid))
        processes = [master, *master.children()]
        assert len(processes) == 2
        os.kill(other.pid, signal.SIGKILL)
    wait_until_gone(processes)
    assert Path(folder).exists()
    with scratch("test"):
        assert not Path(folder).exists()
