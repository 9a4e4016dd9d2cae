"""What processes hold in the memory of NVIDIA GPUs."""

from collections.abc import Collection

import pynvml

from profiler.common.target import ON_GPU, Provider
from profiler.system.machine import gpu_handles


def gpu_bytes(providers: Collection[Provider], pids: Collection[int]) -> tuple[int | None, str]:
    """The memory of these processes on all GPUs together; `None` and why where nobody tells it."""
    if not ON_GPU & set(providers):
        return None, f"providers {', '.join(providers)} use no memory of a GPU that NVML knows"
    try:
        with gpu_handles() as handles:
            found = [one for handle in handles for one in pynvml.nvmlDeviceGetComputeRunningProcesses(handle)]
    except pynvml.NVMLError as error:
        return None, f"NVML does not tell it: {error}"
    ours = [one.usedGpuMemory for one in found if one.pid in pids]
    if not ours:
        return None, "NVML lists none of the processes: in a container it may know them by other ids"
    if None in ours:
        return None, "this driver does not tell a process's GPU memory"
    return sum(ours), ""
