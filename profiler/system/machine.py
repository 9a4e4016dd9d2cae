"""The processor and the NVIDIA GPUs of this machine."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pynvml


def cpu_model() -> str:
    """The name of the processor."""
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


@contextmanager
def gpu_handles() -> Iterator[list[Any]]:
    """A handle for every GPU, in the driver's order; raises `pynvml.NVMLError` where there is no driver."""
    pynvml.nvmlInit()
    try:
        yield [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()
