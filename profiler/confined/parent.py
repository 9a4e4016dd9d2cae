"""The parent of a confined process: it has a foreign file judged within limits of time and memory."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from profiler.common.door import opened
from profiler.common.errors import DnnPortingError, ModelError, UnavailableError
from profiler.confined import protocol
from profiler.confined.limits import Limits, ProcessLimits
from profiler.confined.protocol import STEP, TRUST, Finding, Task
from profiler.system.processes import thread_folders

START_LIMIT_S = 120.0
# A process whose threads are all idle for this time waits for an event that does not come.
IDLE_LIMIT_S, LOOK_S = 3.0, 0.25
REFUSED = f"it is refused unless {TRUST}=1 says that you trust it"
ROOT = Path(__file__).parent.parent.parent
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
KEPT = ("LD_LIBRARY_PATH", "LANG", "LC_ALL", TRUST)


def judged(path: Path, task: Task, limits: Limits, fix: str, name: Path | None = None) -> Finding:
    """The finding of a confined process about the file; errors call the file `name` where that is given.

    Raises `ModelError` for a refused file, and `UnavailableError` where this system cannot confine a process.
    """
    with opened(path, fix) as file, started(file.fileno(), task) as process:
        messages = Messages(process, name or path)
        messages.wait_for_ready()
        finding = messages.finding(ProcessLimits(process, limits))
    if finding.refusal:
        raise ModelError(f"{name or path}: {finding.refusal}")
    return finding


@contextmanager
def started(file: int, task: Task) -> Iterator["subprocess.Popen[bytes]"]:
    """The process, killed when the block ends; no signal from a terminal reaches it."""
    command = [sys.executable, "-m", "profiler.confined.child", str(os.getpid()), task.function, str(file)]
    process = subprocess.Popen(
        [*command, json.dumps(task.arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        pass_fds=(file,),
        process_group=0,
        # The user's folder may hold a module of any name, so the process does not start there.
        cwd="/",
        env=environment(),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def environment() -> dict[str, str]:
    """The few variables of the process: no secrets, one thread for each library, no telemetry."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    places = dict.fromkeys([str(ROOT), *(place for place in sys.path if Path(place).is_absolute())])
    quiet = {"ORT_DISABLE_TELEMETRY": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**kept, **ONE_THREAD, **quiet, "PYTHONPATH": os.pathsep.join(places)}


def is_busy(process: int) -> bool:
    """Whether one of the process's threads runs, is ready to run, or waits for a disk."""
    for folder in thread_folders(process):
        with suppress(OSError):
            if (folder / "stat").read_text().rpartition(")")[2].split()[0] in "RD":
                return True
    return False


class Messages:
    """The messages of a confined process, read until its time is over."""

    def __init__(self, process: "subprocess.Popen[bytes]", path: Path) -> None:
        self._process, self._path = process, path
        self._buffer = bytearray()

    def wait_for_ready(self) -> None:
        """Waits until the process is ready.

        Raises `UnavailableError` where it cannot be confined, `DnnPortingError` where it did not start.
        """
        line = self._line(time.monotonic() + START_LIMIT_S)
        if line == protocol.READY.strip():
            return
        if not line:
            self._process.kill()
        code = self._process.wait()
        if code == protocol.UNCONFINED:
            raise UnavailableError(
                f"{self._path} is a foreign file, and this system does not confine the process that would try it "
                f"({line.decode(errors='replace')[:200]}): set {TRUST}=1 if you trust the file"
            )
        reason = line.decode(errors="replace")[:300] or f"code {code}"
        raise DnnPortingError(f"the process that tries {self._path} did not start ({reason}): run it again")

    def finding(self, limits: ProcessLimits) -> Finding:
        """The finding, after all steps; raises `ModelError` where the process ends, hangs or writes anything else."""
        try:
            while (line := self._line(limits.end)).startswith(STEP) and limits.next(protocol.step_of(line)):
                pass
            if not line or line.startswith(STEP):
                raise ModelError(f"{self._path} {self._ending(limits)}")
            answer: dict[str, Any] = json.loads(line)
            # The content was in the process's memory, so it is no larger than that.
            size = min(int(answer["bytes"]), limits.memory_bytes)
            facts, refusal = dict(answer["facts"]), str(answer["refusal"])
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ModelError(f"{self._path} controls the process that tries it: it is refused") from error
        while len(self._buffer) < size and self._more(limits.end):
            pass
        if len(self._buffer) < size:
            raise ModelError(f"{self._path} {self._ending(limits)}")
        return Finding(facts, bytes(self._buffer[:size]), refusal)

    def _line(self, end: float) -> bytes:
        """The text up to the next line break, empty where none comes in time."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > protocol.LINE_LIMIT_BYTES or not self._more(end):
                return b""
        line, _, self._buffer = self._buffer.partition(b"\n")
        return bytes(line)

    def _more(self, end: float) -> bool:
        """Reads more; False where the process ended, exceeded its time, or has been idle for too long."""
        stream = self._process.stdout
        if stream is None:
            return False
        idle_s = 0.0
        while not select.select([stream], [], [], LOOK_S)[0]:
            idle_s = 0.0 if is_busy(self._process.pid) else idle_s + LOOK_S
            if time.monotonic() > end or idle_s > IDLE_LIMIT_S:
                return False
        content = os.read(stream.fileno(), 1 << 20)
        self._buffer += content
        return bool(content)

    def _ending(self, limits: ProcessLimits) -> str:
        """The reason why there is no finding."""
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            code = -signal.SIGXCPU
        if code in (-signal.SIGXCPU, -signal.SIGALRM):
            return f"does not {limits.words} within {limits.cpu_s:.0f} s of processor time: {REFUSED}"
        if code in (protocol.OUT_OF_MEMORY, -signal.SIGKILL, -signal.SIGABRT):
            return f"takes more than {limits.memory_bytes / 2**20:,.0f} MiB of memory to {limits.words}: {REFUSED}"
        return f"crashes the process that tries it (code {code}): {REFUSED}"
