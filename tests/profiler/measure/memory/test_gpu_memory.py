"""What processes hold on a GPU, by the driver's own list."""

from collections.abc import Callable
from typing import Any

import pynvml
import pytest
from recorded_nvml import MIB, record

from profiler.common.target import Target
from profiler.measure.memory.gpu import gpu_bytes

NOT_AVAILABLE = 2**64 - 1
ON_GPU = Target(providers=("cuda", "cpu"))


def running(processes: list[tuple[int, int]]) -> Callable[..., int]:
    """The driver's list of (pid, bytes), as it fills pynvml's array."""

    def call(_handle: object, count: Any, array: Any) -> int:
        count._obj.value = len(processes)
        if not array:
            return int(pynvml.NVML_ERROR_INSUFFICIENT_SIZE if processes else pynvml.NVML_SUCCESS)
        for slot, (pid, used) in zip(array, processes, strict=False):
            slot.pid, slot.usedGpuMemory = pid, used
        return int(pynvml.NVML_SUCCESS)

    return call


def gpu(monkeypatch: pytest.MonkeyPatch, processes: list[tuple[int, int]]) -> None:
    library = record(monkeypatch)
    library.answers["nvmlDeviceGetComputeRunningProcesses_v3"] = None
    plain, listing = library.call, running(processes)
    names = ("nvmlDeviceGetComputeRunningProcesses_v3",)
    monkeypatch.setattr(library, "call", lambda name, args: listing(*args) if name in names else plain(name, args))


def test_the_memory_of_a_gpu_is_that_of_the_serving_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu(monkeypatch, [(10, 300 * MIB), (11, 200 * MIB), (99, 5 * MIB)])
    assert gpu_bytes(ON_GPU, {10, 11, 12}) == (500 * MIB, "")


def test_processes_that_the_driver_does_not_list_have_unknown_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu(monkeypatch, [(99, 5 * MIB)])
    value, reason = gpu_bytes(ON_GPU, {10})
    assert value is None
    assert "container" in reason


def test_a_driver_that_does_not_tell_a_processes_memory_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu(monkeypatch, [(10, NOT_AVAILABLE)])
    assert gpu_bytes(ON_GPU, {10})[0] is None


def test_a_target_without_a_gpu_asks_no_driver() -> None:
    assert gpu_bytes(Target(), {10}) == (None, "providers cpu use no memory of a GPU that NVML knows")


def test_a_gpu_that_the_machine_lacks_has_unknown_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu(monkeypatch, [(10, 300 * MIB)])
    assert gpu_bytes(Target(providers=("cuda",), gpu=7), {10}) == (None, "there is no GPU 7: this machine has 1")
