"""Running perf_analyzer: within a limit, surely stopped, its own processor time seen while it drives load."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from profiler.common.errors import ServerError
from profiler.load_generator.perf_analyzer_output import BEGINS, last_words

POLL_S = 0.02


@dataclass(frozen=True)
class Ended:
    """Exit code, everything printed, and processor seconds a second from the moment that the load began."""

    code: int
    output: str
    cpu_share: float


def run_to_its_end(command: list[str], output: Path, limit_s: float) -> Ended:
    """Prints into the file `output`; raises `ServerError` where it takes longer than `limit_s`."""
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        return watch(process, output, limit_s)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def watch(process: subprocess.Popen[bytes], output: Path, limit_s: float) -> Ended:
    start = began = time.monotonic()
    used_s, driving = 0.0, False
    while time.monotonic() - start < limit_s:
        # Only this call tells what an ended process has used.
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            share = (usage.ru_utime + usage.ru_stime - used_s) / (time.monotonic() - began)
            return Ended(process.returncode, output.read_text(errors="replace"), share)
        if not driving and BEGINS in output.read_text(errors="replace"):
            driving, began = True, time.monotonic()
            times = psutil.Process(process.pid).cpu_times()
            used_s = times.user + times.system
        time.sleep(POLL_S)
    raise ServerError(f"perf_analyzer took longer than {limit_s:g} s: {last_words(output.read_text(errors='replace'))}")
