"""The command verify: checks whether published figures still hold on this machine."""

import argparse
import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from porting.command_line.cli import add_public_key
from porting.common.console import say, table
from porting.repository import Repository
from porting.repository.serving_folder import write_model
from porting.repository.variant_files import VariantFiles
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.scratch import scratch
from profiler.records.profile import Profile
from profiler.target.identity import profile_key
from profiler.target.prepared_target import PreparedTarget, prepared_target

COLUMNS = ["variant", "figure", "published", "now", "verdict"]
# The tolerance beyond the intervals; a settled point may deviate as much.
TOLERANCE = 0.05
# Limits on the time and memory of a measurement, as the figures of a foreign repository set its size.
MOST_SECONDS, MOST_CALLERS, MOST_NUMBERS = 30.0, 256, 1 << 28


@dataclass(frozen=True)
class Figure:
    """A drift-corrected figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, low: float | None, high: float | None) -> Self:
        """The figure; an unknown end of the interval is the value itself."""
        return cls(value, value if low is None else low, value if high is None else high)

    def holds(self, now: "Figure") -> bool:
        """Whether the two intervals overlap, each widened by the tolerance."""
        return self.low * (1 - TOLERANCE) <= now.high * (1 + TOLERANCE) and now.low * (1 - TOLERANCE) <= self.high * (
            1 + TOLERANCE
        )

    def __str__(self) -> str:
        return f"{self.value:,.3g} [{self.low:,.3g}, {self.high:,.3g}]"


def run(arguments: Sequence[str]) -> None:
    """Measures maximal throughput and batch-1 latency of a few published variants again; exit code 1 if one moved.

    The digest of every file is checked first, as a file with other weights may be as fast as the published one.
    """
    parser = argparse.ArgumentParser(prog="dnn-porting verify", description=run.__doc__)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--target", help="default: the only one")
    parser.add_argument("--endpoint", metavar="HOST:PORT", help="the running server that was measured")
    parser.add_argument("--variants", type=int, default=3, help="their number, spread from the slowest to the fastest")
    add_public_key(parser)
    options = parser.parse_args(arguments)

    repository = Repository.load(options.repository, options.public_key)
    target = chosen_target(repository, options.target)
    found = chosen(repository, target, options.variants, options.endpoint)
    rows: list[list[str]] = []
    with scratch("verify") as place:
        paths = {name: copied(files, place.folder / name) for name, files in found.items()}
        variants = [repository.on(name, target) for name in found]
        with prepared_target(target, variants[0].profile.target) as ready:
            for one in variants:
                say(f"measuring {one.name}")
                rows += [[one.name, *row] for row in compared(ready, paths[one.name], one)]
    table(f"{options.repository} on {target}", COLUMNS, rows)
    moved = [row for row in rows if row[-1] != "holds"]
    if moved:
        raise DnnPortingError(f"{len(moved)} of {len(rows)} figures moved: measure again with stage=profile,publish")
    say(f"all {len(rows)} figures hold")


def chosen_target(repository: Repository, wanted: str | None) -> str:
    """The name of the target to verify; raises `BadInputError` for an unknown or ambiguous one."""

    targets = sorted(repository.index.targets)
    if wanted is None and len(targets) == 1:
        return targets[0]
    if wanted not in targets:
        raise BadInputError(f"--target {wanted}: choose one of {', '.join(targets)}")
    return wanted


def chosen(repository: Repository, target: str, count: int, endpoint: str | None) -> dict[str, VariantFiles]:
    """`count` published variants, spread over their throughputs; raises `BadInputError` for an unverifiable one."""

    found = [variant for variant in repository.variants if target in variant.targets]
    found.sort(key=lambda variant: variant.targets[target].raw_images_per_s)
    if not found or count < 1:
        raise BadInputError(f"nothing is published for target {target}, or --variants {count} is below 1")
    step = max(1, (len(found) - 1) // max(1, count - 1))
    names = [variant.name for variant in found[::step]][:count]
    files = {name: VariantFiles.of(repository, name) for name in names}
    for one in files.values():
        one.check()
        check_profile(one.details.profiles[target], endpoint)
    return files


def check_profile(profile: Profile, endpoint: str | None) -> None:
    """Raises `BadInputError` for a profile that cannot be measured here, and for a server other than `endpoint`."""

    target, name = profile.target, profile.target_name
    if target.runtime == "torch":
        raise BadInputError(
            f"target {name} serves torch programs, which a repository does not hold: "
            "verify a target with another runtime"
        )
    if target.endpoint != endpoint:
        fix = (
            f"--endpoint {shlex.quote(target.endpoint)}, to measure that server" if target.endpoint else "no --endpoint"
        )
        where = f"a running server at {target.endpoint}" if target.endpoint else "a server of the profiler's own"
        raise BadInputError(f"target {name} was measured on {where}: give {fix}")
    if profile_key(profile.onnx_sha256, target) != profile.key:
        raise BadInputError(
            f"target {name} was measured on {profile.fingerprint.cpu_model} with {profile.fingerprint.system}, "
            "or with a server that this machine does not have: verify it there"
        )
    callers = max((point.concurrency for point in profile.max_throughput), default=1)
    largest = max((point.batch * math.prod(point.input_shape) for point in profile.latency), default=0)
    if callers > MOST_CALLERS or largest > MOST_NUMBERS:
        raise BadInputError(
            f"target {name} asks for {callers} callers and inputs of {largest} numbers, and verify has at most "
            f"{MOST_CALLERS} and {MOST_NUMBERS}: do not use this repository"
        )


def copied(files: VariantFiles, folder: Path) -> Path:
    """The served ONNX file in a folder of its own."""

    folder.mkdir()
    path = folder / "model.onnx"
    write_model(files, path)
    return path


def compared(ready: PreparedTarget, path: Path, one: VariantOnTarget) -> list[list[str]]:
    """Measures a variant again; returns a row for each figure: name, published, now, verdict."""
    # These imports take two seconds.
    from profiler.measure.latency.part import measure_batch
    from profiler.measure.throughput.meter import ThroughputMeter
    from profiler.target.model_under_test import ModelUnderTest

    pairs, profile = [], one.profile
    best, latency, published_ms = profile.best_throughput(), profile.latency_at(1), one.figure("p50_ms")
    published_per_s = one.figure("images_per_s")
    references = profile.probe_reference_per_s, profile.input_sizes(), profile.served_probe_reference_per_s
    with ModelUnderTest(ready, path, *references) as model:
        if best is not None and published_per_s is not None:
            loaded_s = min(best.answers / best.images_per_s, MOST_SECONDS)
            run = ThroughputMeter(model, profile.target.resources).run(best.batch, best.concurrency, loaded_s)
            rate = run.rate(model.reference().normal_per_s)
            pairs.append(("images/s", Figure.of(*published_per_s), Figure.of(rate.ratio, rate.low, rate.high)))
        if latency is not None and published_ms is not None:
            shape, seconds = latency.input_shape, min(latency.n * latency.mean_ms / 1e3, MOST_SECONDS)
            again = measure_batch(model, profile.target.resources, latency.batch, shape, seconds)
            now = Figure.of(
                again.corrected_p50_ms or again.mean_ms, again.corrected_p50_low_ms, again.corrected_p50_high_ms
            )
            pairs.append(("p50 at batch 1, ms", Figure.of(*published_ms), now))
    return [[what, str(then), str(now), "holds" if then.holds(now) else "moved"] for what, then, now in pairs]
