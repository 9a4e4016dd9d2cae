"""Stalls of the machine itself, which are left out where lateness is judged.

A second is a stall where, on some core, a probe that sleeps 5 ms and works a little was delayed by at least 50 ms at
once, or the hypervisor took that much time, and that is at least five times the median of this run. 50 ms is an eighth
of the thesis's deadline. Busy servers and clients cause no stall, as the probe has real-time priority: with eight busy
processes on two cores it waited for less than 1 ms, and for 72 ms without that priority. A machine with a high median
is slow and does not stall.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from pydantic import Field

from orchestrators.live.clock import UNIX_S_AT_ZERO
from profiler.common.errors import DnnPortingError
from profiler.common.scratch import scratch
from profiler.records.base import Value

PROBE = Path(__file__).with_name("stall_probe.py")
LEAST_S = 0.05
TIMES_USUAL = 5


class Delay(NamedTuple):
    """The measurement of one core in one Unix second: the longest hold-up, and the time taken from the core."""

    second: int
    held_s: float
    stolen_s: float


class Stall(Value):
    """A Unix second in which the machine stalled: the longest hold-up and the most stolen time of any core."""

    second: int
    held_s: float = Field(ge=0)
    stolen_s: float = Field(ge=0)


@contextmanager
def stall_probe(cores: Collection[int] | None = None) -> Iterator[Callable[[], list[Stall]]]:
    """Watches these cores, by default all cores of this process; the function in the block returns the stalls so far.

    The probe uses about 3 % of each core. Raises `DnnPortingError` at the end where a core could not be watched.
    """
    watched = sorted(given_cores() if cores is None else cores)
    with ExitStack() as stack:
        folder = stack.enter_context(scratch("stalls")).folder
        outputs = {core: folder / f"{core}" for core in watched}
        for core, path in outputs.items():
            stack.enter_context(probing(core, path))
        yield lambda: stalls([read_delays(path.read_text()) for path in outputs.values()])


def given_cores() -> set[int]:
    """All cores that the system allows this process, also those that the calling thread is not bound to."""
    bound = os.sched_getaffinity(0)
    try:
        # The kernel leaves out cores that are not allowed.
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        return os.sched_getaffinity(0)
    finally:
        os.sched_setaffinity(0, bound)


@contextmanager
def probing(core: int, path: Path) -> Iterator[None]:
    """The probe of one core, which writes to `path`."""
    command = [sys.executable, "-S", "-E", str(PROBE), str(os.getpid()), str(core), str(UNIX_S_AT_ZERO)]
    with path.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE) as process:
        try:
            yield
            if process.poll() is not None:
                lines = process.communicate()[1].decode(errors="replace").strip().splitlines() or ["without output"]
                raise DnnPortingError(f"the probe for stalls of core {core} ended by itself: {lines[-1]}")
        finally:
            process.kill()


def read_delays(output: str) -> list[Delay]:
    """The measurements in the output of one probe, without an unfinished last line."""
    lines = (line.split() for line in output.splitlines(keepends=True) if line.endswith("\n"))
    return [Delay(int(second), float(held_s), float(stolen_s)) for second, held_s, stolen_s in lines]


def stalls(cores: Sequence[Sequence[Delay]]) -> list[Stall]:
    """The seconds in which a core was held up or taken away for much longer than its median."""
    found: dict[int, Stall] = {}
    for seconds in cores:
        least_held_s, least_stolen_s = (
            max(LEAST_S, TIMES_USUAL * median(column or [0.0]))
            for column in ([one.held_s for one in seconds], [one.stolen_s for one in seconds])
        )
        for second, held_s, stolen_s in seconds:
            if held_s >= least_held_s or stolen_s >= least_stolen_s:
                before = found.get(second, Stall(second=second, held_s=0, stolen_s=0))
                found[second] = Stall(
                    second=second, held_s=max(held_s, before.held_s), stolen_s=max(stolen_s, before.stolen_s)
                )
    return [found[second] for second in sorted(found)]
