"""The limits of a confined process: for loading its file, then for each step that it announces."""

import resource
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from profiler.confined.protocol import GO, Step
from profiler.system.processes import status

# The factor from processor time to time on the clock: on a busy machine a process waits for a core.
PATIENCE = 20.0
LEAST_S = 1.0
# Three sizes of an input, a few batches of each, and an export need half of these steps.
MOST_STEPS = 64
# On a slow machine the limit is this many times the time of the start.
SLOWNESS = 2.0
ENDED = (ProcessLookupError, FileNotFoundError, BrokenPipeError, psutil.NoSuchProcess)


@dataclass(frozen=True)
class Limits:
    """The processor time (s) and memory of loading the file, and the time of all further steps, the memory of each."""

    cpu_s: float
    memory_bytes: int
    further_s: float = 0.0
    further_bytes: int = 0


class ProcessLimits:
    """The limits of one process on this machine, counted from its use when it is ready."""

    def __init__(self, process: "subprocess.Popen[bytes]", limits: Limits) -> None:
        self._process, self._limits = process, limits
        self._least_s, self._data_bytes, self._steps = LEAST_S, 0, 0
        self._loaded_s: float | None = None
        # The process may have ended already.
        with suppress(*ENDED):
            self._least_s = max(LEAST_S, SLOWNESS * self._used_s())
            lines = status(Path(f"/proc/{process.pid}"))
            self._data_bytes = int(lines["VmData"].split()[0]) * 1024
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
        self._begin("load", max(limits.cpu_s, self._least_s), limits.memory_bytes)

    def next(self, step: Step) -> bool:
        """Lets the process begin a step with the requested or remaining limits; False without time or steps left."""
        used = self._used_s()
        self._loaded_s, self._steps = used if self._loaded_s is None else self._loaded_s, self._steps + 1
        left_s = self._limits.further_s - (used - self._loaded_s)
        if left_s <= 0 or self._steps > MOST_STEPS:
            self.words, self.cpu_s = step.words, self._limits.further_s
            return False
        cpu_s = min(max(step.cpu_s, self._least_s), left_s)
        further_bytes = min(step.memory_bytes, self._limits.further_bytes)
        self._begin(step.words, cpu_s, self._limits.memory_bytes + further_bytes)
        return True

    def _used_s(self) -> float:
        with suppress(*ENDED):
            times = psutil.Process(self._process.pid).cpu_times()
            return float(times.user + times.system)
        return 0.0

    def _begin(self, words: str, cpu_s: float, memory_bytes: int) -> None:
        """Sets the limits from now on, which the process cannot change itself, and lets it continue."""
        self.words, self.cpu_s, self.memory_bytes = words, cpu_s, memory_bytes
        self.end = time.monotonic() + PATIENCE * cpu_s
        with suppress(*ENDED):
            pid = self._process.pid
            seconds, memory = int(self._used_s() + cpu_s) + 1, self._data_bytes + memory_bytes
            resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
            resource.prlimit(pid, resource.RLIMIT_DATA, (memory, resource.RLIM_INFINITY))
            self._process.stdin.write(GO)  # type: ignore[union-attr]
