"""What this machine is, and what it is doing."""

import os
import platform
from pathlib import Path

import psutil
import pynvml

from profiler.errors import BadInputError
from profiler.records.noise import Noise

CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cpu_model() -> str:
    """The processor's own name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.processor() or platform.machine()


def gpu_models() -> list[str]:
    """The names of the NVIDIA GPUs, empty where there is no driver."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return [str(pynvml.nvmlDeviceGetName(handle)) for handle in handles]
    finally:
        pynvml.nvmlShutdown()


def split_cores(wanted: int) -> tuple[list[int], list[int]]:
    """The cores of the server and those of the load generator: different ones where the machine has them.

    Raises `BadInputError` where more are wanted than there are.
    """
    available = sorted(os.sched_getaffinity(0))
    if wanted > len(available):
        raise BadInputError(f"target cores={wanted} cannot be had: this process may use {len(available)}")
    server = available[-wanted:]
    client = [core for core in available if core not in server]
    return server, client or available


def cgroup_cores() -> float | None:
    """The cores that the container's quota allows, `None` where it sets none."""
    if not CGROUP_QUOTA.exists():
        return None
    quota, period = CGROUP_QUOTA.read_text().split()
    return None if quota == "max" else int(quota) / int(period)


class NoiseMeter:
    """Watches the machine from its creation until `read`."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def read(self, probe_per_s: float | None) -> Noise:
        """The noise since creation, with the probe's rate beside it."""
        after = psutil.cpu_times()
        busy = sum(after) - sum(self._before)
        frequency = psutil.cpu_freq()
        steal = None
        if hasattr(after, "steal") and busy > 0:
            steal = min(1.0, max(0.0, (after.steal - self._before.steal) / busy))
        values = {
            "steal_share": (steal, "the system reports no steal time"),
            "cpu_mhz": ((frequency.current or None) if frequency else None, "the system reports no clock rate"),
            "cgroup_cores": (cgroup_cores(), "no quota is set"),
            "probe_per_s": (probe_per_s, "no probe ran beside this point"),
        }
        return Noise(
            load_1min=os.getloadavg()[0],
            reasons={name: reason for name, (value, reason) in values.items() if value is None},
            **{name: value for name, (value, _) in values.items()},
        )
