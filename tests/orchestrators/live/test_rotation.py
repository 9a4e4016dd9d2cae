"""Servers in and out of a real NGINX's rotation, real Tritons among them, under load."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from narrowing import known
from servers.bare import bare_server
from servers.behind_nginx import NEEDS_NGINX, Load
from servers.collector import Collector
from servers.waiting import settled
from support import environment, write_network

from orchestrators.live.nginx import RunningNginx, nginx_server
from orchestrators.live.rotation import NginxRotation, Rotation
from orchestrators.live.usage import Use
from profiler.common.errors import BadInputError, ServerError
from profiler.common.target import Resources, Target
from profiler.runtimes.kserve.channel import Channel
from profiler.runtimes.kserve.grpc import framed
from profiler.runtimes.kserve.message import METHOD
from profiler.runtimes.kserve.model import V2Call, V2Model
from profiler.runtimes.kserve.own_triton import OwnTriton
from profiler.runtimes.kserve.server import V2Server
from profiler.runtimes.served import Expectation

pytestmark = [pytest.mark.integration, NEEDS_NGINX]
WAIT_S = 20
RATE_RPS = 300
ONE = Resources(cores=1, threads=1, instances=1)


@dataclass
class Balanced:
    """Two servers behind an NGINX, which say their own names."""

    a: str
    b: str
    nginx: RunningNginx
    rotation: NginxRotation

    def answers(self, number: int = 20) -> set[bytes]:
        calls = Channel(self.nginx.endpoint, METHOD, WAIT_S)
        answers = {calls.call(framed(b"")) for _ in range(number)}
        calls.close()
        return answers


@pytest.fixture(scope="module")
def balanced() -> Iterator[Balanced]:
    with bare_server(lambda *_: b"a") as a, bare_server(lambda *_: b"b") as b, nginx_server([a, b]) as nginx:
        yield Balanced(a, b, nginx, rotation(nginx, [a, b]))


def rotation(nginx: RunningNginx, endpoints: Sequence[str]) -> NginxRotation:
    return NginxRotation(nginx.servers_file, nginx.pid_file, endpoints)


def test_a_server_that_is_out_gets_no_request_until_it_is_in_again(balanced: Balanced) -> None:
    with balanced.rotation.without(balanced.a):
        assert balanced.answers() == {b"b"}
    assert balanced.answers() == {b"a", b"b"}


def test_a_server_is_in_again_also_after_an_error(balanced: Balanced) -> None:
    with pytest.raises(ServerError, match="no load"), balanced.rotation.without(balanced.a):
        raise ServerError("no load")
    assert balanced.answers() == {b"a", b"b"}


def test_a_server_that_cannot_answer_stays_out_until_its_block_has_ended_well(balanced: Balanced) -> None:
    for _ in range(2):
        balanced.rotation.leave_out(balanced.a)
        assert balanced.answers() == {b"b"}
    with pytest.raises(ServerError, match="still empty"), balanced.rotation.without(balanced.a):
        raise ServerError("still empty")
    assert balanced.answers() == {b"b"}
    with balanced.rotation.without(balanced.a):
        assert balanced.answers() == {b"b"}
    assert balanced.answers() == {b"a", b"b"}


def test_the_last_one_that_is_in_stays_in(balanced: Balanced) -> None:
    balanced.rotation.leave_out(balanced.a)
    balanced.rotation.leave_out(balanced.b)
    assert balanced.answers() == {b"b"}
    with balanced.rotation.without(balanced.b):
        assert balanced.answers() == {b"b"}
    with balanced.rotation.without(balanced.a):
        pass
    assert balanced.answers() == {b"a", b"b"}


@pytest.mark.parametrize(
    ("a_share", "b", "left"),
    [
        (0.4, Use(share=0.5, cores=1.0), {b"b"}),
        (0.5, Use(share=0.5, cores=1.0), {b"a", b"b"}),
        (0.9, Use(share=0.4, cores=4.0), {b"b"}),
    ],
)
def test_a_server_stays_in_where_the_others_have_no_room_for_what_it_does(
    balanced: Balanced, a_share: float, b: Use, left: set[bytes]
) -> None:
    both = rotation(balanced.nginx, [balanced.a, balanced.b])
    both.note_use(balanced.a, Use(share=a_share, cores=1.0))
    both.note_use(balanced.b, b)
    with both.without(balanced.a):
        assert balanced.answers() == left


def test_a_server_that_is_out_has_no_room(balanced: Balanced) -> None:
    both = rotation(balanced.nginx, [balanced.a, balanced.b])
    both.note_use(balanced.a, Use(share=0.9, cores=1.0))
    both.note_use(balanced.b, Use(share=0.0, cores=1.0))
    both.leave_out(balanced.b)
    with both.without(balanced.a):
        assert balanced.answers() == {b"a"}
    rotation(balanced.nginx, [balanced.a, balanced.b])


def test_a_server_that_is_not_behind_it_is_refused(balanced: Balanced) -> None:
    with (
        pytest.raises(BadInputError, match="h:1 is not behind this NGINX: name one of"),
        balanced.rotation.without("h:1"),
    ):
        pass


def test_one_block_at_a_time_whatever_the_server(balanced: Balanced) -> None:
    for both, servers in ((balanced.rotation, (balanced.a, balanced.b)), (Rotation(), ("x:1", "y:1"))):
        entered = threading.Event()

        def enter(both: Rotation = both, server: str = servers[1], entered: threading.Event = entered) -> None:
            with both.without(server):
                entered.set()

        other = threading.Thread(target=enter)
        with both.without(servers[0]):
            other.start()
            assert not entered.wait(0.3)
        other.join(WAIT_S)
        assert entered.is_set()


def test_what_a_killed_orchestrator_left_out_is_in_again_at_the_next_start(balanced: Balanced) -> None:
    files = f"Path({str(balanced.nginx.servers_file)!r}), Path({str(balanced.nginx.pid_file)!r})"
    code = (
        "import time\nfrom pathlib import Path\nfrom orchestrators.live.rotation import NginxRotation\n"
        f"with NginxRotation({files}, {[balanced.a, balanced.b]}).without({balanced.a!r}):\n"
        " print('out', flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", code], env=environment(), stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "out\n"
        os.kill(other.pid, signal.SIGKILL)
    assert balanced.answers() == {b"b"}
    rotation(balanced.nginx, [balanced.a, balanced.b])
    assert balanced.answers() == {b"a", b"b"}


def test_a_server_is_out_when_its_requests_under_way_are_answered() -> None:
    begun, awake = threading.Semaphore(0), threading.Event()

    def hang(*_: object) -> bytes:
        begun.release()
        assert awake.wait(WAIT_S)
        return b"a"

    with bare_server(hang) as a, bare_server(lambda *_: b"b") as b, nginx_server([a, b]) as nginx:
        calls, collector = Channel(nginx.endpoint, METHOD, WAIT_S), Collector()
        for _ in range(2):
            calls.send(framed(b""), collector.take)
        assert begun.acquire(timeout=WAIT_S)
        out = threading.Event()

        def take_out() -> None:
            with rotation(nginx, [a, b]).without(a):
                out.set()

        other = threading.Thread(target=take_out)
        other.start()
        assert not out.wait(1)
        awake.set()
        assert out.wait(WAIT_S)
        assert sorted(collector.wait_for(2), key=str) == [b"a", b"b"]
        other.join(WAIT_S)
        calls.close()


def test_an_nginx_that_is_gone_or_is_none_is_told_and_the_block_not_begun(tmp_path: Path) -> None:
    servers, pid = tmp_path / "servers.conf", tmp_path / "nginx.pid"
    with pytest.raises(ServerError, match=r"nginx\.pid names no NGINX that can be reloaded"):
        NginxRotation(servers, pid, ["h:1", "h:2"])
    with subprocess.Popen(["sleep", "100"]) as other:
        pid.write_text(str(other.pid))
        with pytest.raises(ServerError, match=f"process {other.pid} is sleep"):
            NginxRotation(servers, pid, ["h:1", "h:2"])
        assert other.poll() is None
        other.kill()
    with nginx_server(["127.0.0.1:1", "127.0.0.1:2"]) as nginx:
        both = rotation(nginx, ["127.0.0.1:1", "127.0.0.1:2"])
        nginx.process.kill()
        nginx.process.wait()
        with pytest.raises(ServerError, match="no NGINX that can be reloaded"), both.without("127.0.0.1:1"):
            pytest.fail("the block began")
        assert "backup" not in nginx.servers_file.read_text()


def test_servers_that_nginx_refuses_are_told(balanced: Balanced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrators.live.nginx_master.RELOAD_LIMIT_S", 1.0)
    with pytest.raises(ServerError, match=r"no new workers within 1 s .* nginx -t"):
        rotation(balanced.nginx, [balanced.a, "nowhere.test:1"])
    rotation(balanced.nginx, [balanced.a, balanced.b])
    assert balanced.answers() == {b"a", b"b"}


class Tritons:
    """Two real ones with the same network behind an NGINX; either may be killed and started again."""

    def __init__(self, network: Path) -> None:
        self._network = network
        self.expectation = Expectation(network, 1)
        self.servers = [self._start(Target(), core) for core in (0, 1)]
        self.a, self.b = (server.address for server in self.servers)
        self._counted = [server.load("m", network, ONE).answers_counted for server in self.servers]

    def _start(self, target: Target, core: int) -> OwnTriton:
        return OwnTriton(target, [core % (os.cpu_count() or 1)])

    def kill(self, index: int) -> None:
        """With all that it does."""
        pid = self.servers[index].process
        assert pid is not None
        os.killpg(pid, signal.SIGKILL)
        self.servers[index].close()

    def restart(self, index: int) -> None:
        """Empty, at the same address."""
        port = int((self.a, self.b)[index].split(":")[1])
        self.servers[index] = self._start(Target(grpc_port=port), index)

    def load(self, index: int) -> None:
        self._counted[index] = self.servers[index].load("m", self._network, ONE).answers_counted

    def answered(self, index: int) -> int:
        """The requests that a server has answered since its start."""
        return known(self._counted[index]())

    def all_answered(self, index: int) -> int:
        """The same of a server that gets no more requests."""
        return settled(lambda: self.answered(index))

    def close(self) -> None:
        # To unload their networks would take them seconds.
        for index in range(len(self.servers)):
            self.kill(index)


@pytest.fixture(scope="module")
def tritons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tritons]:
    tritons = Tritons(write_network(tmp_path_factory.mktemp("network") / "model.onnx"))
    yield tritons
    tritons.close()


@contextmanager
def serving(tritons: Tritons) -> Iterator[tuple[NginxRotation, V2Call]]:
    with nginx_server([tritons.a, tritons.b]) as nginx, ExitStack() as stack:
        server = V2Server(nginx.endpoint)
        stack.callback(server.close)
        call = V2Model(server, "v2", "m", "input", "logits").prepare(tritons.expectation.images())
        yield rotation(nginx, [tritons.a, tritons.b]), call


def test_many_turns_under_load_lose_nothing_and_repeat_nothing(tritons: Tritons) -> None:
    before = [tritons.all_answered(index) for index in (0, 1)]
    with serving(tritons) as (both, call):
        with Load(call, tritons.expectation, RATE_RPS) as load:
            for _ in range(3):
                for index, server in enumerate((tritons.a, tritons.b)):
                    with both.without(server):
                        at_first = tritons.all_answered(index)
                        time.sleep(0.2)
                        assert tritons.answered(index) == at_first
        assert not load.lost
        assert load.answered == load.sent
        assert sum(tritons.all_answered(index) for index in (0, 1)) - sum(before) == load.answered


def test_no_request_is_lost_with_a_server_that_dies_and_comes_back_empty(tritons: Tritons) -> None:
    with serving(tritons) as (both, call):
        with Load(call, tritons.expectation, RATE_RPS) as load:
            time.sleep(0.3)
            tritons.kill(0)
            time.sleep(0.3)
            both.leave_out(tritons.a)
            tritons.restart(0)
            with both.without(tritons.a):
                tritons.load(0)
            at_first = tritons.answered(0)
            time.sleep(0.3)
        assert not load.lost
        assert tritons.answered(0) > at_first


def test_the_old_network_of_a_server_that_switches_answers_where_every_other_server_dies(tritons: Tritons) -> None:
    with serving(tritons) as (both, call):
        with Load(call, tritons.expectation, RATE_RPS) as load:
            with both.without(tritons.a):
                time.sleep(0.2)
                tritons.kill(1)
                time.sleep(0.3)
            both.leave_out(tritons.b)
            tritons.restart(1)
            with both.without(tritons.b):
                tritons.load(1)
            time.sleep(0.2)
        assert not load.lost
