"""The command verify: checks whether published figures still hold on this machine."""

import argparse
import math
import shlex
from collections.abc import Sequence
from pathlib import Path

from porting.command_line.public_key import add_public_key
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
# The figures that are measured again; the relative ones see a small change, as the machine's drift meets both networks.
VERIFIED = (
    "images_per_s", "relative_throughput", "single_images_per_s", "relative_single_throughput",
    "p50_ms", "relative_p50",
)  # fmt: skip
# Two minutes for three variants at most, whatever the repository says.
VISITS, SEARCH_S, SETTLE_S, VISIT_S, BUDGET_S = 5, 0.5, 3.0, 1.0, 40.0
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
    """`count` published variants, spread over their throughputs; raises `BadInputError` where they are not verified."""
    from porting.repository.figures import rank_value
    from porting.repository.variant_files import VariantFiles
    from profiler.common.errors import BadInputError

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


def compared(ready: "PreparedTarget", path: Path, one: "VariantOnTarget") -> list[list[str]]:
    """Measures a variant again in several visits; returns a row for each figure: name, published, now, verdict."""
    from porting.repository.compare import shown
    from porting.repository.difference import differ
    from porting.repository.figures import figures

    now, _ = figures(None, measured(ready, path, one.profile))
    then = {name: one.figure(name) for name in VERIFIED}
    pairs = [(name, before, now[name]) for name, before in then.items() if before is not None and name in now]
    return [
        [name, shown(before), shown(after), "moved" if differ(before, after) else "holds"]
        for name, before, after in pairs
    ]


def measured(ready: "PreparedTarget", path: Path, profile: "Profile") -> "Profile":
    """A profile of the published points alone: the same batches, with as many callers at most."""
    from profiler.common.profile_settings import LevelSettings, ThroughputSettings, VisitSettings
    from profiler.profiling import profile_file

    own = profile.own(profile.max_throughput)
    batches = sorted({1, *(point.batch for point in own if point is profile.best_throughput())})
    callers = min(MOST_CALLERS, max((point.concurrency for point in own), default=1))
    throughput = ThroughputSettings(
        batches=batches, max_concurrency=2 * callers, search_seconds=SEARCH_S, settle_seconds=SETTLE_S
    )
    level = LevelSettings.of_throughput(throughput, BUDGET_S).model_copy(
        update={"visits": VisitSettings(visits=VISITS, seconds=VISIT_S)}
    )
    return profile_file(ready, path, level, None, lambda *_: None, lambda _: None)
