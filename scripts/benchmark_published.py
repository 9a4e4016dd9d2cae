"""Published figures against each other, against perf_analyzer, beside busy processes, and after a slow-down of 5 %.

Each profile is a process of its own with a workspace of its own. The networks and perf_analyzer are measured in turns,
round by round. Finished measurements stay in artifacts/benchmark_published. `--step` measures one part.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmark_profiler import settings
from figures import ROOT, Figure, record
from published_figures import (
    PERF_ANALYZER,
    agreement_figures,
    busy_figures,
    pair_figures,
    profile_figures,
    slow_down_figures,
)
from published_networks import CHAINS, KINDS, made

from profiler.command import Request
from profiler.common.files import read_record
from profiler.common.target import Target
from profiler.load_generator.perf_analyzer import PerfAnalyzer, find_perf_analyzer, warm_windows
from profiler.records.profile import Profile
from profiler.runtimes.session import open_session
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import prepared_target

FOLDER = ROOT / "artifacts" / "benchmark_published"
STEPS = ("profiles", "busy", "slow-down")
BUSY = (1, 2, 4)
# The time that perf_analyzer's windows count.
ANALYZER_S = 3.0
ANALYZER_LIMIT_S = 200.0
BUSY_LOOP = "while True: pass"


def profiled(path: Path, folder: Path, name: str) -> Path | None:
    """The profile of one file by `python -m profiler`, `None` where that failed; a finished one is kept."""
    output = folder / f"{name.replace(' ', '-')}.json"
    failed = output.with_suffix(".failed")
    if not output.exists() and not failed.exists():
        folder.mkdir(parents=True, exist_ok=True)
        request = FOLDER / "request.json"
        request.write_text(
            Request(target_name="local_cpu", target=Target(), settings=settings("quick")).model_dump_json()
        )
        print(f"measuring {output.relative_to(FOLDER)}", flush=True)
        temporary = output.with_suffix(".part.json")
        command = [sys.executable, "-m", "profiler", str(path), str(request), "--output", str(temporary)]
        start = time.monotonic()
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        output.with_suffix(".seconds").write_text(f"{time.monotonic() - start}")
        if run.returncode:
            failed.write_text(run.stderr)
        else:
            temporary.rename(output)
    return output if output.exists() else None


def analyzed(path: Path, profile: Path, program: Path) -> None:
    """The rate by perf_analyzer at the batch and the concurrency of the published maximum, beside the profile."""
    kept = profile.with_suffix(PERF_ANALYZER)
    best = read_record(profile, Profile, "").best_throughput()
    if kept.exists() or best is None:
        return
    with prepared_target("local_cpu", Target()) as ready, ModelUnderTest(ready, path) as on:
        on.serve()
        name = open_session(path, threads=1).get_inputs()[0].name
        images = on.expectation.images(best.batch)
        other = PerfAnalyzer(program, str(on.prepared.host.address), on.name, name, images)
        with on.driving():
            point = other.measure(best.batch, best.concurrency, warm_windows(ANALYZER_S), ANALYZER_LIMIT_S)
    kept.write_text(json.dumps({"images_per_s": point.warm_images_per_s()}))


@contextmanager
def busy(count: int) -> Iterator[None]:
    """That many processes that do nothing but compute."""
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen([sys.executable, "-c", BUSY_LOOP])
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


def measure(step: str, rounds: int, program: Path | None) -> None:
    """The measurements of one step, round by round."""
    if step == "slow-down":
        files = made(FOLDER / "networks", CHAINS)
        for number in range(rounds):
            for name, path in files.items():
                profiled(path, FOLDER / "slow-down" / f"{number:02}", name)
        return
    files = made(FOLDER / "networks", KINDS)
    if step == "busy":
        for count in BUSY:
            with busy(count):
                for name, path in files.items():
                    profiled(path, FOLDER / "busy" / f"{count:02}", name)
        return
    for number in range(rounds):
        for name, path in files.items():
            found = profiled(path, FOLDER / "profiles" / f"{number:02}", name)
            if found is not None and program is not None:
                analyzed(path, found, program)


def figures(steps: list[str]) -> dict[str, Figure]:
    """The figures of these steps."""
    rows = agreement_figures(FOLDER / "profiles", list(KINDS)) if "profiles" in steps else {}
    for name in KINDS if "profiles" in steps else ():
        rows |= profile_figures(FOLDER / "profiles", name) | pair_figures(FOLDER / "profiles", name)
    for count in BUSY if "busy" in steps else ():
        rows |= busy_figures(FOLDER / "profiles", FOLDER / "busy", count, list(KINDS))
    return rows | (slow_down_figures(FOLDER / "slow-down", *CHAINS) if "slow-down" in steps else {})


def main() -> None:
    """Measures the steps, and records their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", choices=STEPS, action="append", help="default: all of them")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--perf-analyzer", type=Path, help="default: the one on the PATH")
    options = parser.parse_args()
    steps = options.step or list(STEPS)
    program = find_perf_analyzer(options.perf_analyzer) if "profiles" in steps else None
    for step in steps:
        measure(step, options.rounds, program)
    record("published", figures(steps), whole=set(steps) == set(STEPS))


if __name__ == "__main__":
    main()
