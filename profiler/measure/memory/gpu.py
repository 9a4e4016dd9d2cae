"""What processes hold in the memory of NVIDIA GPUs."""

from collections.abc import Collection

import pynvml

from profiler.common.target import Target
from profiler.system.machine import gpu_handles


def gpu_bytes(target: Target, pids: Collection[int]) -> tuple[int | None, str]:
    """The memory of these processes on the target's GPU; `None` and why where nobody tells it."""
    if not target.on_gpu:
        return None, f"providers {', '.join(target.providers)} use no memory of a GPU that NVML knows"
    try:
        with gpu_handles() as handles:
            if target.gpu >= len(handles):
                return None, f"there is no GPU {target.gpu}: this machine has {len(handles)}"
            found = pynvml.nvmlDeviceGetComputeRunningProcesses(handles[target.gpu])
    except pynvml.NVMLError as error:
        return None, f"NVML does not tell it: {error}"
    ours = [one.usedGpuMemory for one in found if one.pid in pids]
    if not ours:
        return None, "NVML lists none of the processes: in a container it may know them by other ids"
    if None in ours:
        return None, "this driver does not tell a process's GPU memory"
    return sum(ours), ""
