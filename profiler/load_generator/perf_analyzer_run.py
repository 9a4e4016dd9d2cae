"""One run of perf_analyzer: its process, and the points in its output, as its CSV export lacks unsettled ones."""

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import psutil

from profiler.common.errors import ServerError
from profiler.records.base import Record

POLL_S = 0.02
# perf_analyzer compares and reports its last three windows.
WINDOWS = 3
BEGINS = "Request concurrency: "
WINDOW = re.compile(r"Pass \[\d+\] throughput: (\S+) infer/sec")
THROUGHPUT = re.compile(r"^ +Throughput: (\S+) infer/sec", re.MULTILINE)
PERCENTILE = re.compile(r"^ +p(50|90|95|99) latency: (\d+) usec", re.MULTILINE)
MS_PER_US = 1e-3


class PerfAnalyzerPoint(Record):
    """A closed loop of `concurrency` requests of `batch` inputs each; an abandoned point has windows only.

    The figures are over the last three windows. `client_cpu_share` is perf_analyzer's own CPU time per second.
    """

    batch: int
    concurrency: int
    images_per_s: float | None
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    windows_images_per_s: list[float]
    client_cpu_share: float
    verdict: Literal["settled", "unsettled"]
    verdict_reason: str

    def warm_images_per_s(self) -> float:
        """The mean rate of the last three windows; raises `ServerError` where there are fewer."""
        last = self.windows_images_per_s[-WINDOWS:]
        if len(last) < WINDOWS:
            raise ServerError(f"perf_analyzer ended after {len(last)} of {WINDOWS} windows: {self.verdict_reason}")
        return fmean(last)


def read_points(output: str, batch: int, client_cpu_share: float) -> list[PerfAnalyzerPoint]:
    """The points of all concurrencies that were begun, in their order."""
    return [read_point(section, batch, client_cpu_share) for section in output.split(BEGINS)[1:]]


def read_point(section: str, batch: int, client_cpu_share: float) -> PerfAnalyzerPoint:
    """The point of the section for one concurrency."""
    throughput = THROUGHPUT.search(section)
    windows = [float(value) for value in WINDOW.findall(section)]
    figures: dict[str, Any] = dict.fromkeys(("images_per_s", "p50_ms", "p90_ms", "p95_ms", "p99_ms"))
    if throughput:
        percentiles = {f"p{q}_ms": float(value) * MS_PER_US for q, value in PERCENTILE.findall(section)}
        figures |= percentiles | {"images_per_s": float(throughput[1])}
    why = f"its last windows agreed after {len(windows)}" if throughput else last_words(section)
    return PerfAnalyzerPoint(
        batch=batch,
        concurrency=int(section.split(maxsplit=1)[0]),
        windows_images_per_s=windows,
        client_cpu_share=client_cpu_share,
        verdict="settled" if throughput else "unsettled",
        verdict_reason=why,
        reasons={name: f"perf_analyzer abandoned the point: {why}" for name, value in figures.items() if value is None},
        **figures,
    )


def last_words(output: str) -> str:
    """The lines about an error, or all lines where none is, joined to one."""
    lines = [line.strip() for line in output.splitlines()]
    errors = [line for line in lines if re.search(r"error|fail", line, re.IGNORECASE)] or lines
    return " | ".join(line for line in errors if line)[:400] or "it printed nothing"


@dataclass(frozen=True)
class Ended:
    """The exit code, the output, and the CPU time per second since the load began."""

    code: int
    output: str
    cpu_share: float


def run_to_its_end(command: list[str], output: Path, limit_s: float) -> Ended:
    """Runs the command with its output in a file; raises `ServerError` where it takes longer than `limit_s`."""
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        return watch(process, output, limit_s)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def watch(process: subprocess.Popen[bytes], output: Path, limit_s: float) -> Ended:
    """Waits for the process, and notes its CPU time when the load begins."""
    start = began = time.monotonic()
    used_s, driving = 0.0, False
    while time.monotonic() - start < limit_s:
        # Only this call reports the CPU time of an ended process.
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
