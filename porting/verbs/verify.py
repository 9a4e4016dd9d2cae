"""verify: whether what was published still holds on this machine."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from porting.repository import Repository
    from profiler.bench import Bench
    from profiler.records.latency import LatencyPoint
    from profiler.records.profile import Profile
    from profiler.records.throughput import MaximalThroughput

COLUMNS = ["variant", "figure", "published", "now", "verdict"]
# Beyond their intervals: what a point may be off and still be called settled.
TOLERANCE = 0.05


@dataclass(frozen=True)
class Figure:
    """A drift-corrected figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def holds(self, now: "Figure") -> bool:
        """Whether the two intervals, each widened by the tolerance, meet."""
        return self.low * (1 - TOLERANCE) <= now.high * (1 + TOLERANCE) and now.low * (1 - TOLERANCE) <= self.high * (
            1 + TOLERANCE
        )

    def __str__(self) -> str:
        return f"{self.value:,.3g} [{self.low:,.3g}, {self.high:,.3g}]"


def run(arguments: Sequence[str]) -> None:
    """Measures maximal throughput and batch-1 latency of a few published variants again; exit code 1 if one moved."""
    parser = argparse.ArgumentParser(prog="dnn-porting verify", description=run.__doc__)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--target", help="default: the only one")
    parser.add_argument("--variants", type=int, default=3, help="how many, spread from the slowest to the fastest")
    options = parser.parse_args(arguments)

    from porting.console import say, table
    from porting.repository import Repository
    from profiler.bench import bench
    from profiler.errors import DnnPortingError

    repository = Repository.load(options.repository)
    target = chosen_target(repository, options.target)
    profiles = chosen(repository, target, options.variants)
    first = next(iter(profiles.values()))
    rows: list[list[str]] = []
    with bench(target, first.target) as ready:
        for name, profile in profiles.items():
            say(f"measuring {name}")
            path = repository.root.local / name
            rows += [[name, *row] for row in compared(ready, next(path.glob("[0-9]*/model.onnx")), profile)]
    table(f"{options.repository} on {target}", COLUMNS, rows)
    moved = [row for row in rows if row[-1] != "holds"]
    if moved:
        raise DnnPortingError(f"{len(moved)} of {len(rows)} figures moved: measure again with stage=profile,publish")
    say(f"all {len(rows)} figures hold")


def chosen_target(repository: "Repository", wanted: str | None) -> str:
    """The target to verify; raises `BadInputError` where it is unknown or not the only one."""
    from profiler.errors import BadInputError

    targets = sorted(repository.index.targets)
    if wanted is None and len(targets) == 1:
        return targets[0]
    if wanted not in targets:
        raise BadInputError(f"--target {wanted}: choose one of {', '.join(targets)}")
    return wanted


def chosen(repository: "Repository", target: str, count: int) -> "dict[str, Profile]":
    """Profiles of `count` published variants, spread over their throughputs; `BadInputError` on another machine."""
    from profiler.errors import BadInputError
    from profiler.identity import subject_key

    found = [variant for variant in repository.variants if target in variant.targets]
    found.sort(key=lambda variant: variant.targets[target].figures["images_per_s"])
    if not found or count < 1:
        raise BadInputError(f"nothing is published for target {target}, or --variants {count} asks for nothing")
    step = max(1, (len(found) - 1) // max(1, count - 1))
    names = [variant.name for variant in found[::step]][:count]
    profiles = {name: here(repository.details(name).profiles[target]) for name in names}
    for profile in profiles.values():
        if profile.target.runtime == "torch":
            raise BadInputError(
                f"target {target} serves torch programs, which a repository does not hold: "
                "verify a target with another runtime"
            )
        if subject_key(profile.onnx_sha256, profile.target) != profile.key:
            raise BadInputError(
                f"target {target} was measured on {profile.fingerprint.cpu_model} with {profile.fingerprint.system}, "
                "or with another server than there is here: verify it there"
            )
    return profiles


def here(profile: "Profile") -> "Profile":
    """The profile with this machine's own server: a repository may be anybody's, and must not name what is started."""
    return profile.model_copy(update={"target": profile.target.model_copy(update={"server_environment": None})})


def compared(ready: "Bench", path: Path, profile: "Profile") -> list[list[str]]:
    """One row for each figure: published, now, and whether it holds."""
    from profiler.measure.latency import measure_batch
    from profiler.measure.meter import ThroughputMeter
    from profiler.subject import Subject

    pairs = []
    best, latency = profile.best_throughput(), profile.latency_at(1)
    references = profile.probe_reference_per_s, profile.input_sizes(), profile.served_probe_reference_per_s
    with Subject(ready, path, *references) as subject:
        if best is not None:
            loaded_s = best.answers / best.images_per_s
            run = ThroughputMeter(subject, profile.target.resources).run(best.batch, best.concurrency, loaded_s)
            rate = run.rate(subject.yardstick().reference_per_s)
            now = Figure(rate.ratio, rate.low or rate.ratio, rate.high or rate.ratio)
            pairs.append(("images/s", throughput(best), now))
        if latency is not None:
            shape, seconds = latency.input_shape, latency.n * latency.mean_ms / 1e3
            again = measure_batch(subject, profile.target.resources, latency.batch, shape, seconds)
            pairs.append(("p50 at batch 1, ms", latency_figure(latency), latency_figure(again)))
    return [[what, str(then), str(now), "holds" if then.holds(now) else "moved"] for what, then, now in pairs]


def throughput(best: "MaximalThroughput") -> Figure:
    """The published maximum."""
    value = best.corrected_images_per_s
    return Figure(value, best.corrected_low_images_per_s or value, best.corrected_high_images_per_s or value)


def latency_figure(point: "LatencyPoint") -> Figure:
    """The drift-corrected median latency."""
    middle = point.corrected_p50_ms or point.mean_ms
    return Figure(middle, point.corrected_p50_low_ms or middle, point.corrected_p50_high_ms or middle)
