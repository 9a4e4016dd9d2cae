"""The processor and the NVIDIA GPUs of this machine, and the division and pinning of its cores."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pynvml

from profiler.common.errors import BadInputError

CPUINFO = Path("/proc/cpuinfo")
# The instructions that add products of 8 bits in 32 bits: VNNI and AMX of x86, and the dot product of Arm.
VNNI = {"avx512_vnni", "avx_vnni"}
INT8 = {*VNNI, "amx_int8", "asimddp"}


def int8_instructions(cpuinfo: str | None = None) -> tuple[str, ...]:
    """The instructions for int8 of this processor, or of the one that a text of `/proc/cpuinfo` describes."""
    text = cpuinfo if cpuinfo is not None else CPUINFO.read_text() if CPUINFO.exists() else ""
    lines = [line.partition(":")[2] for line in text.splitlines() if line.startswith(("flags", "Features"))]
    return tuple(sorted(INT8 & {flag for line in lines for flag in line.split()}))


def cpu_model() -> str:
    """The name of the processor."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
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


def split_cores(wanted: int) -> tuple[list[int], list[int]]:
    """The cores of server and load generator, different where possible; raises `BadInputError` for too few cores."""
    available = sorted(os.sched_getaffinity(0))
    if wanted > len(available):
        raise BadInputError(
            f"cores={wanted} are not available: set targets.<name>.cores to at most {len(available)}, "
            "the cores that this process may use"
        )
    server = available[-wanted:]
    client = [core for core in available if core not in server]
    return server, client or available


@contextmanager
def pinned(cores: list[int]) -> Iterator[None]:
    """Keeps the calling thread, and the threads that it starts, on `cores`."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
