"""Whoever starts a server may die at any moment: the server ends too, and the next one removes what it left."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from support import environment, write_network
from survival import gone, regions

from profiler.triton.installation import find_triton
from profiler.triton.server import triton_server

pytestmark = pytest.mark.integration
# A child of this program dies so many ms after it started a server, once for each number.
DIE = """
import os, signal, subprocess, sys, time
from profiler.triton import hidden_arguments
from profiler.triton.installation import find_triton
from profiler.triton.server import triton_server

class Told(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        os.write(says, str(self.pid).encode())

hidden_arguments.subprocess.Popen = Told
for ms in sys.argv[1:]:
    hears, says = os.pipe()
    if not (child := os.fork()):
        with triton_server(find_triton()):
            time.sleep(100)
    print(os.read(hears, 20).decode(), flush=True)
    time.sleep(int(ms) / 1000)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""
SERVE = """
import sys, time
from pathlib import Path
from profiler.common.target import Resources
from profiler.runtimes.kserve.own_triton import OwnTriton
from profiler.common.target import Target
own = OwnTriton(Target(), [0])
own.load("m", Path(sys.argv[1]), Resources(cores=1, threads=1, instances=1))
print(own.process, flush=True)
time.sleep(100)
"""


@contextmanager
def serving(place: Path, *before: str) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A process with its temporary files in `place`, and the server that it has started; both end with the block."""
    network = write_network(place / "model.onnx")
    command = [*before, sys.executable, "-c", SERVE, str(network)]
    told = {**environment(), "TMPDIR": str(place)}
    with subprocess.Popen(command, env=told, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            (server,) = (
                one for one in psutil.Process(process.pid).children(recursive=True) if one.name() == "tritonserver"
            )
            yield process, server
        finally:
            # What it started dies with it.
            process.kill()


def foreign_environments() -> set[Path]:
    """What Triton makes for them."""
    return set(Path("/tmp").glob("python_env_*"))


def test_no_server_outlives_a_parent_that_dies_right_after_starting_it() -> None:
    moments = [str(ms) for ms in (*range(0, 32, 2), 60, 120)]
    done = subprocess.run(
        [sys.executable, "-c", DIE, *moments], env=environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    servers = [int(pid) for pid in done.stdout.split()]
    assert len(servers) == len(moments)
    assert gone([psutil.Process(pid) for pid in servers if psutil.pid_exists(pid)])


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_no_backend_outlives_a_server_that_dies_while_it_loads(tmp_path: Path, seconds: float) -> None:
    network = write_network(tmp_path / "model.onnx")
    program = SERVE.replace("own.load", "print(own.process, flush=True)\nown.load")
    told = {**environment(), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(network)], env=told, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        server = int(process.stdout.readline())
        time.sleep(seconds)
        process.kill()
    end = time.monotonic() + 20
    while (left := of_group(server)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left


def of_group(group: int) -> list[int]:
    """The living processes of it."""
    found = []
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            if os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def test_the_next_server_removes_what_a_killed_one_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = foreign_environments()
    with serving(tmp_path) as (process, server):
        family, shared = [server, *server.children(recursive=True)], regions(server.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert gone(family)
    assert len(family) >= 2
    left = list(tmp_path.glob("dnn-porting-*"))
    assert left
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with triton_server(find_triton()):
        assert not any(path.exists() for path in (*left, *shared))
    assert foreign_environments() == before


def test_nothing_is_left_where_everything_is_killed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = foreign_environments()
    with serving(tmp_path) as (process, server):
        shared = regions(server.pid)
        family = [psutil.Process(process.pid), server, *server.children(recursive=True)]
        for one in family:
            one.kill()
        process.wait()
        assert gone(family)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with triton_server(find_triton()):
        pass
    assert not any(path.exists() for path in shared)
    assert not [*tmp_path.glob("*dnn-porting*"), *tmp_path.glob("python_env_*")]
    assert foreign_environments() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a PID namespace, which only root can")
def test_a_live_server_in_another_pid_namespace_keeps_what_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path, "unshare", "--pid", "--fork", "--mount-proc") as (_, server):
        mine = [*tmp_path.glob("dnn-porting-*"), *regions(server.pid)]
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with triton_server(find_triton()):
            assert len(mine) >= 3
            assert all(path.exists() for path in mine)
