"""What the tests of survival share: a small level, what a run keeps however it ends, and what it may leave behind."""

from contextlib import suppress
from pathlib import Path

import psutil
from blank import blank_level

from profiler.common.errors import ServerError
from profiler.common.profile_settings import LevelSettings
from profiler.profiling import profile_file
from profiler.records.profile import Profile
from profiler.target.prepared_target import PreparedTarget
from profiler.triton.server import SHARED_MEMORY

GONE_LIMIT_S = 20.0
REFERENCE_PER_S = 1000.0


def level(*batches: int, settle: float = 0.1, every: bool = True) -> LevelSettings:
    """One latency, and the maximal throughput of every batch or the best, with one request at a time."""
    return blank_level(
        latency={"batches": [1], "seconds": 0.02, "input_sizes": []},
        throughput={
            "batches": list(batches),
            "max_concurrency": 1,
            "search_seconds": 0.02,
            "settle_seconds": settle,
        },
    )


def profiled(ready: PreparedTarget, path: Path, settings: LevelSettings, before: Profile | None = None) -> Profile:
    """What is kept when a run is over, also of one that ends in an error."""
    kept: list[Profile] = []
    with suppress(ServerError):
        profile_file(ready, path, settings, before, lambda profile, _: kept.append(profile), print)
    return kept[-1]


def gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them is left, or soon none is."""
    return not psutil.wait_procs(processes, timeout=GONE_LIMIT_S)[1]


def regions(server: int) -> list[Path]:
    """Shared memory of a server that runs, and the mark of whom it belongs to."""
    (prefix,) = (one.rpartition("=")[2] for one in psutil.Process(server).cmdline() if "shm-region-prefix-name" in one)
    return list(SHARED_MEMORY.glob(f"{prefix}*"))
