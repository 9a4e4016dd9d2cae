"""Snapshots of everything that the system tells, for given processes."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import psutil
import pynvml

from profiler.records.allocator_state import AllocatorState
from profiler.records.gpu_state import GpuState
from profiler.records.state import SystemState
from profiler.system.missing_values import MissingValues
from profiler.system.monitor.gpu import gpu_state
from profiler.system.monitor.host import cpu_state, disk_state, memory_state, network_state
from profiler.system.monitor.processes import process_state
from profiler.system.nvml import gpu_handles


class StateReader:
    """Reads the state of the machine and of `processes`, one after the other; a context, as it holds NVML open.

    `allocator` gives the CUDA allocator's state where torch runs in the measured process. Processes that start
    later are not seen: a reader is made when the model is loaded, with `profiler.system.processes.tree`.
    """

    def __init__(
        self, processes: Sequence[psutil.Process], allocator: Callable[[], AllocatorState] | None = None
    ) -> None:
        self._processes, self._allocator = processes, allocator
        self._stack = ExitStack()
        self._gpus: list[Any] | None = None
        self._why_no_gpus = "the reader was not entered"

    def __enter__(self) -> Self:
        try:
            self._gpus = self._stack.enter_context(gpu_handles())
        except pynvml.NVMLError as error:
            self._why_no_gpus = f"NVML: {error}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gpus = None
        self._stack.close()

    def read(self) -> SystemState:
        """One snapshot."""
        missing, no_torch = MissingValues(), "torch with CUDA does not run in the measured process"
        return SystemState(
            at_s=time.monotonic(),
            cpu=cpu_state(),
            memory=memory_state(),
            disk=missing.note("disk", disk_state(), "the system tells no disk counters"),
            network=missing.note("network", network_state(), "the system tells no network counters"),
            process=missing.note("process", process_state(self._processes), "the measured processes have ended"),
            gpus=missing.note("gpus", self._gpu_states(), self._why_no_gpus),
            allocator=missing.note("allocator", self._allocator() if self._allocator else None, no_torch),
            reasons=missing.reasons,
        )

    def _gpu_states(self) -> list[GpuState] | None:
        return None if self._gpus is None else [gpu_state(index, gpu) for index, gpu in enumerate(self._gpus)]
