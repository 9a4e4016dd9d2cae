import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest
from support import environment

from profiler.common import locks
from profiler.common.errors import BadInputError
from profiler.common.locks import alone_on_host, exclusive, host_lock

HOLD = """
import sys, time, pathlib
from profiler.common import locks
locks.HOST = sys.argv[2].encode().replace(b"@", b"\\0")
held = locks.exclusive(pathlib.Path(sys.argv[1]), "it") if sys.argv[1] else locks.host_lock("it")
with held:
    print("held", flush=True)
    time.sleep(60)
"""

Held = Callable[[], AbstractContextManager[None]]


@pytest.fixture(params=["file", "host"])
def held(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Held:
    """Takes the lock; `HOLD` takes the same one in a process of its own."""
    monkeypatch.setattr(locks, "HOST", b"\0" + str(tmp_path).encode()[-90:])
    return partial(exclusive, tmp_path / "lock", "it") if request.param == "file" else partial(host_lock, "it")


def arguments(request_id: str, tmp_path: Path) -> list[str]:
    return [str(tmp_path / "lock") if "file" in request_id else "", locks.HOST.decode().replace("\0", "@")]


def test_the_second_one_is_told_who_holds_the_lock(held: Held) -> None:
    with held(), pytest.raises(BadInputError, match=f"it is in use by process {os.getpid()}.*: wait until it ends"):
        with held():
            pass
    with held():
        pass


def test_a_killed_process_does_not_hold_it(held: Held, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    command = [sys.executable, "-c", HOLD, *arguments(request.node.name, tmp_path)]
    holder = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BadInputError, match=str(holder.pid)), held():
            pass
        os.kill(holder.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with held():
                return
        except BadInputError:
            time.sleep(0.05)
    pytest.fail("the lock outlived its holder")


def test_a_lock_follows_no_link_and_empties_nothing(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(BadInputError, match=r"lock cannot be opened .*: remove it"), exclusive(tmp_path / "lock", "it"):
        pass
    with exclusive(tmp_path / "victim", "it"):
        pass
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_lock_is_a_plain_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for name in ("fifo", "folder"):
        with pytest.raises(BadInputError, match="remove it"), exclusive(tmp_path / name, "it"):
            pass


def test_a_folder_that_the_environment_names_has_a_lock_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "HOST", b"\0" + str(tmp_path).encode()[-90:])
    monkeypatch.setenv(locks.FOLDER, str(tmp_path / "mine"))
    with host_lock("it"), alone_on_host("it"):
        with pytest.raises(BadInputError, match=f"it is in use by process {os.getpid()}"), alone_on_host("it"):
            pass
        monkeypatch.setenv(locks.FOLDER, str(tmp_path / "yours"))
        with alone_on_host("it"):
            pass
    assert list((tmp_path / "mine").iterdir()) == [tmp_path / "mine" / "profiler"]


@pytest.mark.parametrize("named", [None, ""])
def test_the_lock_is_the_host_s_where_no_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.setattr(locks, "HOST", b"\0" + str(tmp_path).encode()[-90:])
    monkeypatch.delenv(locks.FOLDER) if named is None else monkeypatch.setenv(locks.FOLDER, named)
    with host_lock("it"), pytest.raises(BadInputError, match="it is in use by process"), alone_on_host("it"):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")
def test_another_user_is_told_who_holds_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "HOST", b"\0" + str(tmp_path).encode()[-90:])
    # The modules are imported before the user changes, who may not read them.
    code = (
        "import os, sys\nfrom profiler.common import locks\n"
        f"locks.HOST = {locks.HOST!r}\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try:\n    locks.host_lock('it').__enter__()\nexcept Exception as error:\n    print(error)\n"
    )
    with host_lock("it"):
        told = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert f"it is in use by process {os.getpid()} of user 0" in told.stdout, told.stderr


@contextmanager
def holding(folder: Path, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of the host in `folder` for this long."""
    code = HOLD.replace("time.sleep(60)", f"time.sleep({seconds})")
    command = [sys.executable, "-c", code, str(folder / "profiler"), "@"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_the_second_run_waits_for_the_first_and_says_for_which_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(locks.FOLDER, str(tmp_path))
    monkeypatch.setattr(locks, "LOOKS_EVERY_S", 0.05)
    with holding(tmp_path, 3.0) as holder:
        with alone_on_host("it", 600.0):
            # The holder gives the lock back at its end.
            assert holder.wait(10) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(rf"it is in use by process {holder.pid}: this run waits (600|599) s at most", line)


@pytest.mark.parametrize("wait_s", [0.0, 0.3])
def test_a_run_refuses_after_its_wait_and_without_one_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wait_s: float
) -> None:
    monkeypatch.setenv(locks.FOLDER, str(tmp_path))
    with holding(tmp_path, 60.0) as holder:
        start = time.monotonic()
        with pytest.raises(BadInputError, match=f"it is in use by process {holder.pid}: wait until it ends"):
            with alone_on_host("it", wait_s):
                pass
        assert wait_s <= time.monotonic() - start < wait_s + 5
    assert len(capsys.readouterr().err.splitlines()) == (1 if wait_s else 0)


def test_a_process_does_not_wait_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(locks.FOLDER, str(tmp_path))
    with alone_on_host("it"), pytest.raises(BadInputError, match=f"in use by process {os.getpid()}"):
        with alone_on_host("it", 60.0):
            pass
