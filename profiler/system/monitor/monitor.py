"""Snapshots of the machine and of given processes, one at a time or at a steady pace in the background."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Self

import psutil
import pynvml

from profiler.common.errors import DnnPortingError
from profiler.records.base import MissingValues
from profiler.system.machine import gpu_handles
from profiler.system.monitor.allocator import AllocatorState
from profiler.system.monitor.counters import cpu_state, disk_state, memory_state, network_state, process_state
from profiler.system.monitor.gpu_state import gpu_state
from profiler.system.monitor.system_state import SystemState

PERIOD_S = 1.0
ANSWER_S = 10.0


class StateReader:
    """A reader of the machine, of `processes`, and of the CUDA allocator where torch runs in the measured process."""

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

    def __exit__(self, *_: object) -> None:
        self._gpus = None
        self._stack.close()

    def read(self) -> SystemState:
        """One snapshot of everything."""
        missing, no_torch = MissingValues(), "torch with CUDA does not run in the measured process"
        gpus = None if self._gpus is None else [gpu_state(index, gpu) for index, gpu in enumerate(self._gpus)]
        return SystemState(
            at_s=time.monotonic(),
            cpu=cpu_state(),
            memory=memory_state(),
            disk=missing.note("disk", disk_state(), "the system has no disk counters"),
            network=missing.note("network", network_state(), "the system has no network counters"),
            process=missing.note("process", process_state(self._processes), "the measured processes have ended"),
            gpus=missing.note("gpus", gpus, self._why_no_gpus),
            allocator=missing.note("allocator", self._allocator() if self._allocator else None, no_torch),
            reasons=missing.reasons,
        )


class Monitor:
    """A background thread that fills `samples`: one before the block, one each `period_s`, one at its end.

    `own_cores` is the monitor's own CPU time per second. Leaving the block raises the error that ended the sampling.
    """

    def __init__(self, reader: StateReader, period_s: float = PERIOD_S) -> None:
        self.samples: list[SystemState] = []
        self.own_cores: float | None = None
        self._reader, self._period_s = reader, period_s
        self._begun, self._stop = threading.Event(), threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._sample, name="monitor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._begun.wait(ANSWER_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        self._thread.join(ANSWER_S)
        if kind is not None:
            return
        if self._thread.is_alive():
            raise DnnPortingError(f"the monitor did not stop within {ANSWER_S:g} s: a driver does not answer")
        if self._failure is not None:
            raise self._failure

    def _sample(self) -> None:
        start_s = time.monotonic()
        try:
            with self._reader:
                self.samples.append(self._reader.read())
                self._begun.set()
                while not self._stop.wait(self._period_s):
                    self.samples.append(self._reader.read())
                self.samples.append(self._reader.read())
        except Exception as error:
            self._failure = error
        finally:
            self._begun.set()
            self.own_cores = time.thread_time() / (time.monotonic() - start_s)
