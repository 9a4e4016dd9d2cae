"""The control groups that limit CPU time, and their quotas, in version 1 and 2 of the kernel's interface.

docs.kernel.org: scheduler/sched-bwc.html (v1), admin-guide/cgroup-v2.html (v2).
"""

import os
from dataclasses import dataclass
from pathlib import Path

CGROUPS, PROC = Path("/sys/fs/cgroup"), Path("/proc")


@dataclass(frozen=True)
class Group:
    """A control group's folder below the `mount` of its hierarchy."""

    version: int
    mount: Path
    folder: Path

    def upwards(self) -> list[Path]:
        """The folders of this group and its ancestors, up to the mount."""
        return [self.folder, *(one for one in self.folder.parents if one.is_relative_to(self.mount))]

    def nest(self) -> Path:
        """The folder in which a new group with a quota may be created.

        A v1 group may hold processes and groups together. A v2 group may not, so a new one is created beside it.
        """
        return self.folder if self.version == 1 or self.folder == self.mount else self.folder.parent


def group_of(pid: int, cgroups: Path = CGROUPS, proc: Path = PROC) -> Group | None:
    """The process's group with the cpu controller, `None` without one; raises `OSError` where the process has ended."""
    lines = (line.split(":", 2) for line in (proc / str(pid) / "cgroup").read_text().splitlines())
    paths = {controllers: path for _, controllers, path in lines}
    for controllers, path in paths.items():
        if "cpu" in controllers.split(","):
            mount = cgroups / controllers if (cgroups / controllers).is_dir() else cgroups / "cpu"
            return Group(1, mount, below(mount, path))
    if "" in paths and (cgroups / "cgroup.controllers").exists():
        return Group(2, cgroups, below(cgroups, paths[""]))
    return None


def below(mount: Path, path: str) -> Path:
    """The group's folder; the mount itself where the kernel names a folder of the host that a container cannot see."""
    folder = mount / path.lstrip("/")
    return folder if folder.is_dir() and ".." not in folder.parts else mount


@dataclass(frozen=True)
class Throttling:
    """The scheduling periods since the group was created, and those in which it reached its quota."""

    periods: int
    throttled: int


@dataclass(frozen=True)
class Quota:
    """The lowest quota of a process: that of its own group or of an ancestor."""

    cores: float
    folder: Path

    def throttling(self) -> Throttling | None:
        """The counters of the group, `None` where the kernel has none or the group has been removed."""
        try:
            counters = dict(line.split() for line in (self.folder / "cpu.stat").read_text().splitlines())
            return Throttling(int(counters["nr_periods"]), int(counters["nr_throttled"]))
        except (OSError, KeyError):
            return None


def own_quota(cgroups: Path = CGROUPS, proc: Path = PROC) -> Quota | None:
    """The quota of this process, `None` where there is none."""
    try:
        group = group_of(os.getpid(), cgroups, proc)
    except OSError:
        return None
    quotas = [] if group is None else [Quota(cores, one) for one in group.upwards() if (cores := cores_of(one))]
    return min(quotas, key=lambda quota: quota.cores, default=None)


def cores_of(folder: Path) -> float | None:
    """The quota that one group sets, in cores."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text().strip()
    except OSError:
        return None
    return None if quota in ("max", "-1") else int(quota) / int(period)
