"""How much CPU time this process may take, and how often it was stopped for taking it all."""

import os
from dataclasses import dataclass
from pathlib import Path

from profiler.system.hierarchy import CGROUPS, PROC, group_of


@dataclass(frozen=True)
class Throttling:
    """Scheduling periods since the group was made, and those in which it ran into its quota."""

    periods: int
    throttled: int


@dataclass(frozen=True)
class Quota:
    """The narrowest quota over a process: that of its own group or of one that holds it."""

    cores: float
    folder: Path

    def throttling(self) -> Throttling | None:
        """`None` where the kernel does not count, or the group is gone."""
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
