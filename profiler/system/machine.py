"""What this machine is."""

import platform
from pathlib import Path

import pynvml

from profiler.system.nvml import gpu_handles


def cpu_model() -> str:
    """The processor's own name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.processor() or platform.machine()


def gpu_models() -> list[str]:
    """The names of the NVIDIA GPUs, empty where there is no driver."""
    try:
        with gpu_handles() as handles:
            return [str(pynvml.nvmlDeviceGetName(handle)) for handle in handles]
    except pynvml.NVMLError:
        return []
