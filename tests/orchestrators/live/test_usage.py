"""The share of its cores that the process behind a port uses."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from orchestrators.live import usage as used
from orchestrators.live.usage import Usage
from profiler.common.errors import BadInputError, ServerError, UnavailableError
from profiler.system.cpu_limit import cpu_limit
from profiler.system.processes import pin
from profiler.triton.server import free_port

pytestmark = pytest.mark.quiet

# Listens, says so, and uses a share of one core by itself or in a child.
SERVER = """
import os, socket, sys, time
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
if sys.argv[3] == "child":
    listening.set_inheritable(True)
    if os.fork():
        print(flush=True)
        os.wait()
else:
    print(flush=True)
while True:
    end = time.process_time() + 0.02 * float(sys.argv[2])
    while time.process_time() < end: pass
    time.sleep(0.02 * (1 - float(sys.argv[2])))
"""


@contextmanager
def listening(port: int, share: float, who: str = "itself") -> Iterator[int]:
    """The process id of such a server, on one core."""
    command = [sys.executable, "-S", "-c", SERVER, str(port), str(share), who]
    with subprocess.Popen(command, stdout=subprocess.PIPE, process_group=0) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            # With the child that there may be.
            pin(process.pid, sorted(os.sched_getaffinity(0))[-1:])
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def port() -> int:
    return free_port()


def seen(usage: Usage, seconds: float = 0.5) -> float:
    usage.read()
    time.sleep(seconds)
    return usage.read().share


def test_a_busy_server_uses_its_core_and_an_idle_one_does_not(port: int) -> None:
    other = free_port()
    # Whatever else runs here may take part of the core.
    with listening(port, 1.0):
        assert 0.3 < seen(Usage(f"127.0.0.1:{port}")) <= 1
    with listening(other, 0.0):
        assert seen(Usage(f"localhost:{other}")) < 0.2


def test_what_its_children_use_counts(port: int) -> None:
    with listening(port, 1.0, "child"):
        assert seen(Usage(f"127.0.0.1:{port}")) > 0.3


def test_the_share_is_of_the_cores_that_it_may_run_on(port: int) -> None:
    usage = Usage(f"127.0.0.1:{port}")
    with listening(port, 1.0) as pid:
        assert usage.read().cores == 1
        os.sched_setaffinity(pid, os.sched_getaffinity(0))
        assert usage.read().cores == len(os.sched_getaffinity(0))


def test_the_share_is_of_the_quota_where_that_is_less(port: int) -> None:
    usage = Usage(f"127.0.0.1:{port}")
    with listening(port, 1.0) as pid:
        try:
            with cpu_limit([pid], 0.25):
                assert usage.read().cores == 0.25
                assert 0.7 < seen(usage, 1.0) <= 1
        except UnavailableError as error:
            pytest.skip(str(error))


def test_another_process_that_took_the_port_is_found(port: int) -> None:
    usage = Usage(f"127.0.0.1:{port}")
    with pytest.raises(ServerError, match="no process listens there"):
        usage.read()
    for _ in range(2):
        with listening(port, 1.0):
            assert usage.read().share == 0
            time.sleep(0.3)
            assert usage.read().share > 0.1


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [("192.0.2.7:8001", "is on another host"), ("nowhere", "give HOST:PORT"), ("127.0.0.1:x", "give HOST:PORT")],
)
def test_a_server_that_cannot_be_watched_from_here_is_refused(endpoint: str, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        Usage(endpoint)


def test_a_process_that_ends_between_two_questions_is_told_as_a_server_that_is_gone(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(pid: int) -> float:
        raise psutil.NoSuchProcess(pid)

    with listening(port, 0.1):
        usage = Usage(f"127.0.0.1:{port}")
        usage.read()
        with monkeypatch.context() as patch:
            patch.setattr(used, "cpu_seconds", gone)
            with pytest.raises(ServerError, match="the use of its process cannot be read"):
                usage.read()
        assert usage.read().share == 0
