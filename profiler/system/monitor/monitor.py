"""Snapshots of the machine and of given processes, and the features of the paper at each of them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Self

import psutil
import pynvml

from profiler.records.base import MissingValues, Record
from profiler.system.machine import gpu_handles
from profiler.system.monitor.allocator import AllocatorState
from profiler.system.monitor.change import change
from profiler.system.monitor.counters import cpu_state, disk_state, memory_state, network_state, process_state
from profiler.system.monitor.gpu_state import gpu_state
from profiler.system.monitor.paper_features import evaluate
from profiler.system.monitor.system_state import SystemState

Processes = Callable[[], Sequence[psutil.Process]]


class Snapshot(Record):
    """The state at one moment, and the features by the names of the paper, null where the state has the reason."""

    state: SystemState
    features: dict[str, float | None]


class StateReader:
    """A reader of the machine, of `processes`, and of the CUDA allocator where torch runs in the measured process."""

    def __init__(self, processes: Processes, allocator: Callable[[], AllocatorState] | None = None) -> None:
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
            process=missing.note("process", process_state(self._processes()), "the measured processes have ended"),
            gpus=missing.note("gpus", gpus, self._why_no_gpus),
            allocator=missing.note("allocator", self._allocator() if self._allocator else None, no_torch),
            reasons=missing.reasons,
        )


class Monitor:
    """The features since the first reading of an entered reader: counts since then, rates since the last reading."""

    def __init__(self, reader: StateReader) -> None:
        self._reader = reader
        self._first = self._last = reader.read()

    def mark(self) -> None:
        """Makes this moment the last reading."""
        self._last = self._reader.read()

    def snapshot(self) -> Snapshot:
        """The state and the features now."""
        now = self._reader.read()
        found = evaluate(now, run=change(self._first, now), last=change(self._last, now))
        self._last = now
        return Snapshot(state=now, features=found)


def snapshots(processes: Processes, period_s: float, seconds: float) -> Iterator[Snapshot]:
    """A snapshot after each period until the time is over or the processes have ended."""
    with StateReader(processes) as reader:
        start_s, monitor = time.monotonic(), Monitor(reader)
        for number in range(1, round(seconds / period_s) + 1):
            time.sleep(max(0.0, start_s + number * period_s - time.monotonic()))
            found = monitor.snapshot()
            if found.state.process is None:
                return
            yield found
