"""The speed of reading, ranking and writing a large repository, made from copies of a published one's variants.

Usage: python scripts/benchmark_repository.py [REPOSITORY], artifacts/repository by default.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from figures import ROOT, Figure, record

from porting.repository import Repository
from porting.repository.frontier import Points, dominated
from porting.repository.index_json import index_to_json
from porting.repository.publishing.offers import Offer, offered_by
from porting.repository.publishing.writer import publish
from porting.repository.reader import INDEX
from porting.repository.schema import Index

REPEATS, VARIANTS, TARGETS, PUBLISHED = 5, 10_000, 3, 200
SIZES = (10_000, 31_623, 100_000, 316_228, 1_000_000)
LOAD = """
import sys, time
from pathlib import Path
from porting.repository import Repository

def peak_bytes():
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return 1024 * int(line.split()[1])

before = peak_bytes()
start = time.perf_counter()
found = Repository.load(sys.argv[1])
seconds = time.perf_counter() - start
print([seconds, peak_bytes() - before, len(found.variants)])
"""


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def figure(seconds: Sequence[float], goal: str, scale: float = 1.0, unit: str = "s") -> Figure:
    """The median with the range."""
    scaled = [scale * one for one in seconds]
    return Figure(median(scaled), unit, (min(scaled), max(scaled)), f"to reach: {goal}; median of {len(scaled)}")


def large_index(repository: Repository) -> Index:
    """An index of 10,000 variants on three targets, with the figures of real ones."""
    index, found = repository.index, []
    name, fingerprint = next(iter(index.targets.items()))
    targets = [f"{name}-{number}" for number in range(TARGETS)]
    known = [variant for variant in index.variants if name in variant.targets]
    for number in range(VARIANTS):
        variant = known[number % len(known)]
        standing = variant.targets[name].model_copy(update={"ties_with": []})
        changes = {"name": f"variant-{number:08d}", "targets": dict.fromkeys(targets, standing)}
        found.append(variant.model_copy(update=changes))
    return index.model_copy(update={"targets": dict.fromkeys(targets, fingerprint), "variants": found, "dropped": []})


def index_figures(repository: Repository, folder: Path) -> dict[str, Figure]:
    """The read of the large index, each time in a new process."""
    (folder / INDEX).write_text(index_to_json(large_index(repository)))
    runs = []
    for _ in range(REPEATS):
        done = subprocess.run([sys.executable, "-c", LOAD, str(folder)], check=True, capture_output=True, text=True)
        runs.append(json.loads(done.stdout))
    what = f"index of {VARIANTS:,} variants × {TARGETS} targets"
    return {
        f"{what}, read": figure([seconds for seconds, _, _ in runs], "0.5"),
        f"{what}, memory": figure([size for _, size, _ in runs], "200", 1 / 2**20, "MiB"),
        f"{what}, file": Figure((folder / INDEX).stat().st_size / 2**20, "MiB"),
    }


def details_figures(repository: Repository) -> dict[str, Figure]:
    """The read of the largest details."""

    def points(name: str) -> int:
        return max(len(list(profile.points())) for profile in repository.details(name).profiles.values())

    largest = max(repository.by_name, key=points)
    seconds = [timed(lambda: repository.details(largest)) for _ in range(4 * REPEATS)]
    return {f"details of a variant with {points(largest)} points": figure(seconds, "20", 1e3, "ms")}


def frontier_figures() -> dict[str, Figure]:
    """Two metrics of random candidates with overlapping intervals, and of candidates that are all on the frontier."""
    generator, seconds = np.random.default_rng(0), {}
    for size in SIZES:
        angle = generator.uniform(0, np.pi / 2, size)
        arc = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        for kind, values, width in (("random", generator.uniform(size=(size, 2)), 1e-2), ("all on it", arc, 1e-9)):
            half = generator.uniform(0, width, values.shape)
            points = Points(values, values - half, values + half)
            seconds[kind, size] = [timed(partial(dominated, points)) for _ in range(REPEATS)]
    growth = [
        [median(seconds[kind, size]) / (size * np.log2(size)) for size in SIZES] for kind in ("random", "all on it")
    ]
    return {
        **{
            f"frontier of 1,000,000 points, {kind}": figure(seconds[kind, SIZES[-1]], "1")
            for kind in ("random", "all on it")
        },
        **{
            f"time over n log n at {SIZES[-1]:,} against {SIZES[0]:,} points, {kind}": Figure(row[-1] / row[0], "×")
            for kind, row in zip(("random", "all on it"), growth, strict=True)
        },
    }


def spread(items: Sequence[Offer]) -> list[Offer]:
    """200 variants, each less accurate and faster than the one before, so that all of them are published."""
    found = []
    for number in range(PUBLISHED):
        item, share = items[number % len(items)], number / PUBLISHED
        accuracy = item.details.validation_accuracy
        if accuracy is None:
            sys.exit("the repository holds a variant without an accuracy: give another")
        value = 0.95 - 0.4 * share
        changed = accuracy.model_copy(update={"value": value, "low": value - 1e-4, "high": value + 1e-4})
        profiles = {}
        for target, profile in item.details.profiles.items():
            best = profile.best_throughput()
            names = [
                f"{end}{name}" for name in ("images_per_s", "relative_throughput") for end in ("low_", "", "high_")
            ]
            rates = dict.fromkeys(names, 100 * (1 + share))
            maxima = tuple(one.model_copy(update=rates) for one in profile.max_throughput if one is best)
            profiles[target] = profile.model_copy(update={"max_throughput": maxima})
        changes = {"name": f"variant-{number:08d}", "validation_accuracy": changed, "profiles": profiles}
        found.append(Offer(item.details.model_copy(update=changes), None, [], item.onnx, item.example))
    return found


def publish_figures(repository: Repository, folder: Path) -> dict[str, Figure]:
    """The publication of 200 variants, and the copy of their files alone."""
    items = spread(offered_by(repository, folder))
    (folder / "copies").mkdir()
    copying_s = timed(lambda: [shutil.copyfile(one.onnx, folder / "copies" / one.details.name) for one in items])
    seconds = timed(lambda: publish(folder / "repository", items))
    written = Repository.load(folder / "repository")
    if len(written.variants) != PUBLISHED:
        sys.exit(f"{len(written.variants)} of {PUBLISHED} variants were published")
    return {
        f"publish {PUBLISHED} variants": Figure(seconds, "s", note="to reach: 20 plus the copying; report included"),
        f"copying {PUBLISHED} ONNX files": Figure(copying_s, "s"),
        "report": Figure((folder / "repository" / "report.html").stat().st_size / 2**20, "MiB"),
    }


def main() -> None:
    repository = Repository.load(sys.argv[1] if len(sys.argv) > 1 else ROOT / "artifacts" / "repository")
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        record(
            "repository",
            index_figures(repository, Path(first))
            | details_figures(repository)
            | frontier_figures()
            | publish_figures(repository, Path(second)),
        )


if __name__ == "__main__":
    main()
