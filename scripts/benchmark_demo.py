"""The default configuration from an empty workspace to a repository: time, memory and results."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from figures import ROOT, Figure, record

from porting.repository import Repository
from porting.repository.schema import Summary

REPEATS = 7


def measured_run(arguments: list[str], folder: Path) -> tuple[float, int]:
    """The seconds of a command, and the most memory of it and its children together (bytes, sampled)."""
    start = time.perf_counter()
    process = psutil.Popen([sys.executable, "-m", "dnn_porting", *arguments], cwd=folder, env=environment())
    peak = 0
    while process.poll() is None:
        peak = max(peak, family_bytes(process))
        time.sleep(0.1)
    if process.returncode:
        sys.exit(f"dnn-porting {' '.join(arguments)} ended with {process.returncode}")
    return time.perf_counter() - start, peak


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def family_bytes(process: psutil.Process) -> int:
    """The proportional memory of a process and all its descendants."""
    total = 0
    for member in (process, *process.children(recursive=True)):
        try:
            total += member.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def seconds_of(arguments: list[str], folder: Path = ROOT) -> tuple[float, tuple[float, float]]:
    """The median duration of some runs in a folder, and the range."""
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True, cwd=folder, env=environment())
        found.append(time.perf_counter() - start)
    return sorted(found)[REPEATS // 2], (min(found), max(found))


def throughput(variant: Summary) -> float:
    return variant.targets["local_cpu"].figures["images_per_s"][0]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first_s, peak_bytes = measured_run([], folder)
        again_s, again_range = seconds_of(["-m", "dnn_porting"], folder)
        repository = Repository.load(folder / "artifacts" / "repository")
    help_s, help_range = seconds_of(["-m", "dnn_porting", "--help"])
    import_s, import_range = seconds_of(["-c", "import porting.repository"])
    frontier = repository.frontier(task="digits", target="local_cpu")
    everyone = [*repository.index.variants, *repository.index.dropped]
    base = next(variant for variant in everyone if variant.parent is None)
    fastest = max(frontier, key=throughput)
    seconds_over = f"median of {REPEATS}, with their range"
    record(
        "demo",
        {
            "whole demo": Figure(first_s, "s", note="to reach: 300, after installation"),
            "peak memory": Figure(peak_bytes / 2**30, "GiB", note="to reach: 4; proportional, all processes, sampled"),
            "demo again, all reused": Figure(again_s, "s", again_range, f"to reach: 3; {seconds_over}"),
            "dnn-porting --help": Figure(help_s, "s", help_range, f"to reach: 0.5; {seconds_over}"),
            "import porting.repository": Figure(import_s, "s", import_range, f"to reach: 0.3; {seconds_over}"),
            "candidates": Figure(len(everyone), "variants"),
            "on the frontier": Figure(len(frontier), "variants", note="to reach: 3"),
            "base, test accuracy": Figure(base.test_accuracy.value if base.test_accuracy else None, "0 to 1"),
            "fastest on the frontier, test accuracy": Figure(
                fastest.test_accuracy.value if fastest.test_accuracy else None, "0 to 1", note=fastest.name
            ),
            "its maximal throughput over the base's": Figure(throughput(fastest) / throughput(base), "×"),
        },
    )


if __name__ == "__main__":
    main()
