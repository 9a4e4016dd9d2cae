import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from support import environment

from profiler.common.scratch import SAFE, scratch

MAKE = """
import sys, time
from profiler.common.scratch import scratch
with scratch("test") as made:
    print(made.folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for temporary files, which nobody else uses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def started(place: Path, *before: str) -> tuple[subprocess.Popen[str], Path]:
    """A process that has a scratch folder in `place`."""
    owner = subprocess.Popen(
        [*before, sys.executable, "-c", MAKE], env={**environment(), "TMPDIR": str(place)}, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert owner.stdout is not None
    return owner, Path(owner.stdout.readline().strip())


def test_a_scratch_folder_is_private_and_gone_afterwards(place: Path) -> None:
    with scratch("test") as made:
        assert made.folder.parent == place
        assert made.folder.stat().st_mode & 0o777 == 0o700
        (made.folder / "inside").write_text("")
    assert not list(place.iterdir())


def test_the_folder_of_a_killed_process_goes_with_the_next_run_and_that_of_a_living_one_stays(place: Path) -> None:
    dead, its_folder = started(place)
    living, other_folder = started(place)
    with dead, living:
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait()
        assert its_folder.exists()
        with scratch("test"):
            assert not its_folder.exists()
            assert other_folder.exists()
        living.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a PID namespace, which only root can")
def test_a_living_owner_in_another_pid_namespace_is_not_taken_for_dead(place: Path) -> None:
    living, its_folder = started(place, "unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    with living:
        with scratch("test"):
            assert its_folder.exists()
        living.kill()


def test_a_folder_of_the_user_s_with_the_project_s_name_stays(place: Path) -> None:
    for name in ("dnn-porting-main", "dnn-porting-fix-12345678", "dnn-porting-scratch-test-mine"):
        (place / name).mkdir(mode=0o700)
        (place / f"{name}.zip").write_text("precious")
    before = set(place.iterdir())
    with scratch("test"):
        pass
    assert set(place.iterdir()) == before


def test_a_folder_whose_maker_died_before_it_had_the_lock_goes_with_the_next_run(place: Path) -> None:
    (place / "dnn-porting-scratch-test-12345678").mkdir(mode=0o700)
    with scratch("test") as made:
        assert list(place.iterdir()) == [made.folder]


@pytest.mark.parametrize("quicker_than", ["open", "flock"])
def test_who_loses_a_folder_before_it_has_the_lock_takes_another(
    place: Path, monkeypatch: pytest.MonkeyPatch, quicker_than: str
) -> None:
    taken: list[Path] = []

    def other_process() -> None:
        if not taken:
            taken.extend(place.glob("dnn-porting-scratch-*"))
            taken[0].rmdir()

    def opened(*arguments: Any, open_: Any = os.open, **named: Any) -> int:
        if quicker_than == "open":
            other_process()
        return int(open_(*arguments, **named))

    def locked(*arguments: Any, flock: Any = fcntl.flock) -> None:
        other_process()
        flock(*arguments)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(fcntl, "flock", locked)
    descriptors = len([*Path("/proc/self/fd").iterdir()])
    with scratch("test") as made:
        assert made.folder.exists()
        assert made.folder not in taken
    assert taken
    assert len([*Path("/proc/self/fd").iterdir()]) == descriptors


def test_a_link_named_like_a_leftover_leads_nowhere(place: Path) -> None:
    (place / "precious").mkdir()
    (place / "dnn-porting-scratch-test-abcdefgh").symlink_to(place / "precious")
    with scratch("test"):
        pass
    assert (place / "precious").exists()


def test_a_place_that_a_shell_would_read_otherwise_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a b$(x)").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a b$(x)"))
    with scratch("test") as made:
        assert SAFE.fullmatch(str(made.folder))
