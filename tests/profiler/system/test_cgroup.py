import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from narrowing import known

from profiler.common.errors import BadInputError, ServerError
from profiler.system.control_groups import Group, group_of, own_quota
from profiler.system.cpu_limit import PREFIX, cpu_limit

BUSY = "while True: pass"
BUSY_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"


@pytest.fixture
def home() -> Group:
    """This process's own group, where groups may be made beside or below it."""
    group = group_of(os.getpid())
    if group is None or not os.access(group.nest(), os.W_OK) or os.geteuid() != 0:
        pytest.skip("control groups cannot be written here: this needs root and a writable cgroup file system")
    return group


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", BUSY]) as process:
        yield process
        process.kill()


def cores_used(process: psutil.Process, seconds: float) -> float:
    def cpu_s() -> float:
        return sum(process.cpu_times()[:2])

    start_s, before_s = time.monotonic(), cpu_s()
    time.sleep(seconds)
    return (cpu_s() - before_s) / (time.monotonic() - start_s)


def groups_of_this_process(home: Group) -> list[Path]:
    return list(home.nest().glob(f"{PREFIX}-{os.getpid()}-*"))


@pytest.mark.quiet
def test_a_busy_process_is_held_to_half_a_core(home: Group, busy: subprocess.Popen[bytes]) -> None:
    with cpu_limit([busy.pid], 0.5):
        assert 0.4 <= cores_used(psutil.Process(busy.pid), 1.0) <= 0.6


def test_it_goes_home_and_the_group_is_removed(home: Group, busy: subprocess.Popen[bytes]) -> None:
    with cpu_limit([busy.pid], 0.5):
        (group,) = groups_of_this_process(home)
        assert known(group_of(busy.pid)).folder == group
    assert group_of(busy.pid) == home
    assert not groups_of_this_process(home)


def test_children_follow_and_go_home_too(home: Group) -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY_CHILD]) as parent:
        with cpu_limit([parent.pid], 0.5):
            deadline = time.monotonic() + 10
            while not (children := psutil.Process(parent.pid).children()) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert [known(group_of(child.pid)).folder for child in children] == groups_of_this_process(home)
        assert group_of(children[0].pid) == home
        children[0].kill()


def test_everything_is_undone_where_the_body_fails(home: Group, busy: subprocess.Popen[bytes]) -> None:
    with pytest.raises(RuntimeError, match="stop"), cpu_limit([busy.pid], 0.5):
        raise RuntimeError("stop")
    assert group_of(busy.pid) == home
    assert not groups_of_this_process(home)


def test_a_process_that_is_killed_meanwhile_leaves_no_group(home: Group, busy: subprocess.Popen[bytes]) -> None:
    with cpu_limit([busy.pid], 0.5):
        busy.kill()
    assert not groups_of_this_process(home)


def test_the_empty_group_of_a_dead_run_is_removed_and_that_of_a_living_one_stays(
    home: Group, busy: subprocess.Popen[bytes]
) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        pass
    dead, living = (home.nest() / f"{PREFIX}-{pid}-0" for pid in (ended.pid, os.getppid()))
    dead.mkdir()
    living.mkdir()
    try:
        with cpu_limit([busy.pid], 0.5):
            assert not dead.exists()
            assert living.exists()
    finally:
        living.rmdir()


def test_processes_that_have_ended_are_told() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        pass
    with pytest.raises(ServerError, match=str(ended.pid)), cpu_limit([ended.pid], 0.5):
        pass


def test_no_quota_is_too_small_to_be_refused() -> None:
    with pytest.raises(BadInputError, match=r"cores=0\.001 .* 0\.01"), cpu_limit([os.getpid()], 0.001):
        pass


def recorded(folder: Path, files: dict[str, str]) -> None:
    """Writes a recorded tree of control files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def recorded_process(folder: Path, lines: str) -> Path:
    recorded(folder, {f"proc/{os.getpid()}/cgroup": lines})
    return folder / "proc"


def test_groups_that_cannot_be_written_are_refused_and_nothing_stays(tmp_path: Path) -> None:
    proc = recorded_process(tmp_path, "1:cpu:/\n")
    (tmp_path / "groups" / "cpu").mkdir(parents=True)
    with pytest.raises(BadInputError, match=r"cores=0\.5 .* whole cores"):
        with cpu_limit([os.getpid()], 0.5, tmp_path / "groups", proc):
            pass
    assert not list((tmp_path / "groups" / "cpu").iterdir())


def test_a_system_without_the_controller_is_told(tmp_path: Path) -> None:
    proc = recorded_process(tmp_path, "4:memory:/\n0::/\n")
    with pytest.raises(BadInputError, match="no cgroup cpu controller"):
        with cpu_limit([os.getpid()], 0.5, tmp_path / "groups", proc):
            pass


@pytest.fixture
def version_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recorded v2 tree in which, as in the kernel's, a new folder has its control files, which go with it."""
    made = {"cgroup.procs": "", "cpu.max": "max 100000", "cgroup.subtree_control": ""}
    recorded(
        tmp_path / "groups",
        {
            "cgroup.controllers": "cpu memory",
            "slice/cgroup.subtree_control": "memory",
            "slice/cpu.max": "300000 100000",
            "slice/service/cgroup.procs": str(os.getpid()),
            "slice/service/cpu.max": "max 100000",
        },
    )
    recorded_process(tmp_path, "0::/slice/service\n")
    make, remove = os.mkdir, os.rmdir

    def mkdir(path: Path, mode: int = 0o777) -> None:
        make(path, mode)
        recorded(Path(path), made)

    def rmdir(path: Path) -> None:
        for name in made:
            (Path(path) / name).unlink()
        remove(path)

    monkeypatch.setattr(os, "mkdir", mkdir)
    monkeypatch.setattr(os, "rmdir", rmdir)
    return tmp_path


def test_version_2_makes_the_group_beside_the_processs_own_one(version_2: Path) -> None:
    groups, proc = version_2 / "groups", version_2 / "proc"
    with cpu_limit([os.getpid()], 0.5, groups, proc):
        (group,) = (groups / "slice").glob(f"{PREFIX}-*")
        assert (groups / "slice/cgroup.subtree_control").read_text() == "+cpu"
        assert (group / "cpu.max").read_text() == "50000 100000"
        assert (group / "cgroup.procs").read_text() == str(os.getpid())
        (groups / "slice/service/cgroup.procs").write_text("")
    assert (groups / "slice/service/cgroup.procs").read_text() == str(os.getpid())
    assert not group.exists()


def test_the_narrowest_quota_above_a_process_counts(version_2: Path) -> None:
    quota = own_quota(version_2 / "groups", version_2 / "proc")
    assert quota is not None
    assert (quota.cores, quota.folder) == (3.0, version_2 / "groups/slice")


@pytest.mark.parametrize(
    ("lines", "files", "cores"),
    [
        ("2:cpu,cpuacct:/box\n", {"cpu,cpuacct/box/cpu.cfs_quota_us": "150000\n"}, 1.5),
        ("2:cpu,cpuacct:/box\n", {"cpu,cpuacct/box/cpu.cfs_quota_us": "-1\n"}, None),
        ("2:cpu:/of/the/host\n", {"cpu/cpu.cfs_quota_us": "50000\n"}, 0.5),
        ("0::/of/the/host\n", {"cgroup.controllers": "cpu", "cpu.max": "250000 100000\n"}, 2.5),
        ("0::/../sibling\n", {"cgroup.controllers": "cpu", "cpu.max": "max 100000\n"}, None),
        ("0::/\n", {}, None),
    ],
    ids=["v1", "v1 without", "v1 in a container", "v2 in a container", "v2 without", "no controller"],
)
def test_the_quota_of_this_process(tmp_path: Path, lines: str, files: dict[str, str], cores: float | None) -> None:
    periods = {name.replace("quota", "period"): "100000\n" for name in files if "cfs_quota" in name}
    recorded(tmp_path / "groups", {**files, **periods})
    quota = own_quota(tmp_path / "groups", recorded_process(tmp_path, lines))
    assert (quota and quota.cores) == cores


def test_throttling_is_counted_in_periods(tmp_path: Path) -> None:
    stat = "usage_usec 9\nnr_periods 40\nnr_throttled 10\nthrottled_usec 5\n"
    recorded(tmp_path / "groups", {"cgroup.controllers": "cpu", "cpu.max": "100000 100000", "cpu.stat": stat})
    quota = own_quota(tmp_path / "groups", recorded_process(tmp_path, "0::/\n"))
    assert quota is not None
    counted = quota.throttling()
    assert counted is not None
    assert (counted.periods, counted.throttled) == (40, 10)
