"""One batch answered by a process of its own, which is killed where it takes more memory than it may.

The limit is on resident memory, watched from outside. One on address space (RLIMIT_AS) counts what is only
reserved, which threads and CUDA do by the gigabyte; one on data (RLIMIT_DATA) counts what is never touched; a
memory cgroup counts right, and takes rights that a user rarely has. What comes and goes between two looks does
not escape, as the kernel keeps the peak (VmHWM). Should memory grow faster than anybody looks, the machine's own
limit ends it, and the child has asked the kernel to be the one that is killed then.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from profiler.common.scratch import scratch
from profiler.common.target import Target
from profiler.measure.memory.child_process import OUT_OF_MEMORY, Report
from profiler.measure.memory.gpu import gpu_bytes
from profiler.records.memory import Outcome
from profiler.system.machine import pinned
from profiler.system.processes import status

LOOK_S = 0.005
KILLED, ABORTED = -9, -6


@dataclass(frozen=True)
class Work:
    """What a child does: answer (batch, *shape) inputs with the file at `path`, on `cores`, as `target` says."""

    target: Target
    path: Path
    shape: tuple[int, ...]
    cores: list[int]

    def command(self, batch: int) -> list[str]:
        """The command line of the child for one batch."""
        target = self.target.model_dump_json(include={"runtime", "cores", "threads", "providers", "gpu"})
        numbers = [str(number) for number in (batch, *self.shape)]
        program = [sys.executable, "-m", "profiler.measure.memory.child_process"]
        return [*program, str(os.getpid()), target, str(self.path), *numbers]


@dataclass(frozen=True)
class Attempt:
    """How it ended and why; `peak_bytes` is the most that was seen of it, 0 where it ended before anybody looked.

    Only one that fits has a `report`. `gpu` is as `gpu_bytes` gives it.
    """

    outcome: Outcome
    reason: str
    peak_bytes: int
    seconds: float
    report: Report | None = None
    gpu: tuple[int | None, str] = (None, "it did not answer")


@dataclass(frozen=True)
class Child:
    """A running process, and the files that it writes to."""

    process: subprocess.Popen[bytes]
    output: Path
    errors: Path

    def ending(self, batch: int) -> tuple[Outcome, str]:
        """What became of it, now that it ended without a report."""
        code, words = self.process.returncode, self.errors.read_text(errors="replace").strip()
        if code in (OUT_OF_MEMORY, KILLED) or (code == ABORTED and "bad_alloc" in words):
            return "out of memory", f"this machine has not the memory for batch {batch} now"
        last = words.splitlines()[-1] if words else f"its process ended with code {code}"
        return "refused", f"batch {batch} is refused: {last}"


def attempt(work: Work, batch: int, limit_bytes: int | None, within_s: float) -> Attempt:
    """Has a child answer one batch; it is gone when this returns."""
    start, peak = time.monotonic(), 0
    with child(work, batch) as running:
        text = ""
        while not text.endswith("\n") and running.process.poll() is None:
            time.sleep(LOOK_S)
            text = running.output.read_text()
            peak, seconds = max(peak, peak_bytes(running.process.pid)), time.monotonic() - start
            if limit_bytes is not None and peak > limit_bytes:
                return Attempt("over the limit", over(batch, limit_bytes), peak, seconds)
            if seconds > within_s:
                return Attempt("too slow", f"batch {batch} was not answered within {within_s:.1f} s", peak, seconds)
        seconds = time.monotonic() - start
        if not text.endswith("\n"):
            return Attempt(*running.ending(batch), peak, seconds)
        report = Report(**json.loads(text))
        if limit_bytes is not None and report.peak_bytes > limit_bytes:
            return Attempt("over the limit", over(batch, limit_bytes), report.peak_bytes, seconds)
        gpu = gpu_bytes(work.target, {running.process.pid})
        return Attempt("fits", "", report.peak_bytes, seconds, report, gpu)


def over(batch: int, limit_bytes: int) -> str:
    """The reason where a batch takes more than the limit."""
    return f"batch {batch} takes more than {limit_bytes} bytes"


@contextmanager
def child(work: Work, batch: int) -> Iterator[Child]:
    """The process; it is gone when the block ends, and dies with this process."""
    with scratch("batch") as made:
        output, errors = made.folder / "output", made.folder / "errors"
        with output.open("w") as out, errors.open("w") as err, pinned(work.cores):
            # It takes the end of its standard input for a sign to go.
            process = subprocess.Popen(work.command(batch), stdin=subprocess.PIPE, stdout=out, stderr=err)
        with process:
            try:
                yield Child(process, output, errors)
            finally:
                process.kill()


def peak_bytes(pid: int) -> int:
    """The most that a process ever had resident, 0 where it has ended."""
    try:
        return int(status(Path(f"/proc/{pid}"))["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError):
        return 0
