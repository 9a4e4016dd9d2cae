"""The command verify: checks whether published figures still hold on this machine."""

import argparse
import math
import shlex
from collections.abc import Sequence
from pathlib import Path

from porting.command_line.cli import PROGRAM, interruption
from porting.command_line.public_key import add_public_key
from porting.common.console import say, table
from porting.repository import Repository
from porting.repository.compare import differ, shown
from porting.repository.figures import rank_value
from porting.repository.schema import Figure
from porting.repository.serving_folder import write_model
from porting.repository.variant_files import VariantFiles
from porting.repository.variant_on_target import VariantOnTarget
from profiler.analysis.statistics import RatioInterval
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.locks import add_wait
from profiler.common.scratch import scratch
from profiler.measure.visits.again import Again, measured_again
from profiler.measure.visits.part import Visited
from profiler.records.profile import Profile
from profiler.target.identity import profile_key
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import PreparedTarget, prepared_target

UNKNOWN = "not measured"
COLUMNS = ["variant", "figure", "published", "now", "verdict"]
# The figures that are measured again; the relative ones see a small change, as the machine's drift meets both networks.
VERIFIED = (
    "images_per_s", "relative_throughput", "single_images_per_s", "relative_single_throughput",
    "p50_ms", "relative_p50",
)  # fmt: skip
# Two minutes for three variants at most, whatever the repository says.
VISITS, VISIT_S, PATIENCE = 5, 1.5, 2.0
SINGLE_CALLER = Visited(1, 1)
WAIT_S = 600.0
# Limits on callers and memory, as the figures of a foreign repository set them.
MOST_CALLERS, MOST_NUMBERS = 256, 1 << 28


def run(arguments: Sequence[str]) -> None:
    """Measures maximal throughput and batch-1 latency of a few published variants again; exit code 1 if one moved.

    The digest of every file is checked first, as a file with other weights may be as fast as the published one.
    """
    parser = argparse.ArgumentParser(prog="dnn-porting verify", description=run.__doc__)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--target", help="default: the only one")
    parser.add_argument("--endpoint", metavar="HOST:PORT", help="the running server that was measured")
    parser.add_argument("--variants", type=int, default=3, help="their number, spread from the slowest to the fastest")
    add_wait(parser, WAIT_S, "ten minutes")
    add_public_key(parser)
    options = parser.parse_args(arguments)

    interruption.line = f"{PROGRAM}: interrupted: verify keeps no results, run it again from the beginning"
    repository = Repository.load(options.repository, options.public_key)
    target = chosen_target(repository, options.target)
    found = chosen(repository, target, options.variants, options.endpoint)
    rows: list[list[str]] = []
    with scratch("verify") as place:
        paths = {name: copied(files, place.folder / name) for name, files in found.items()}
        variants = [repository.on(name, target) for name in found]
        with prepared_target(target, variants[0].profile.target, options.wait) as ready:
            for one in variants:
                say(f"measuring {one.name}")
                rows += [[one.name, *row] for row in compared(ready, paths[one.name], one)]
    table(f"{options.repository} on {target}", COLUMNS, rows)
    moved, unknown = ([row for row in rows if row[-1] == verdict] for verdict in ("moved", UNKNOWN))
    if moved:
        fix = "measure again with 'stage=[profile,publish]'"
        raise DnnPortingError(f"{len(moved)} of {len(rows)} figures moved: {fix}")
    if unknown or not rows:
        raise DnnPortingError(
            f"{len(unknown)} of {len(rows)} figures could not be measured again: verify on a quiet machine"
        )
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
    """`count` published variants, spread over their throughputs; raises `BadInputError` where they are not verified."""
    found = [variant for variant in repository.variants if target in variant.targets]
    found.sort(key=lambda variant: rank_value("images_per_s", variant.targets[target].figures))
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
    """Measures a variant again in several visits; returns a row for each figure: name, published, now, verdict."""
    sizes = one.profile.input_sizes(one.details.input.shape)
    now, rows = measured(ready, path, one.profile, sizes), list[list[str]]()
    for name in VERIFIED:
        before, after = one.figure(name), now.get(name)
        if before is not None and after is None:
            rows.append([name, shown(before), "disturbed, or without a latency", UNKNOWN])
        elif before is not None and after is not None:
            rows.append([name, shown(before), shown(after), "moved" if differ(before, after) else "holds"])
    return rows


def measured(ready: PreparedTarget, path: Path, profile: Profile, sizes: list[int]) -> dict[str, Figure]:
    """The figures of the published loops, measured now."""
    best, single = profile.best_throughput(), profile.throughput_at(1)
    loops = {Visited.of(point) for point in (best, single) if point is not None} | {SINGLE_CALLER}
    with ModelUnderTest(ready, path, sizes) as model:
        model.patience = PATIENCE
        found = measured_again(model, sorted(loops, key=lambda loop: (loop.batch, loop.concurrency)), VISITS, VISIT_S)
    alone = found[SINGLE_CALLER]
    figures = figure(alone, "p50_ms", "p50_ms") | figure(alone, "relative_p50", "relative_p50")
    for prefix, point in (("", best), ("single_", single)):
        again = None if point is None else found[Visited.of(point)]
        figures |= figure(again, "images_per_s", f"{prefix}images_per_s")
        figures |= figure(again, "relative_throughput", f"relative_{prefix}throughput")
    return figures


def figure(again: Again | None, field: str, name: str) -> dict[str, Figure]:
    """The figure in a field under its name in the index, nothing where it is unknown."""
    found: RatioInterval | None = None if again is None else getattr(again, field)
    return {} if found is None else {name: (found.ratio, found.low, found.high)}
