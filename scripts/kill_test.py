"""Kills a pipeline at random moments, runs the same command to its end, and compares it with an undisturbed run.

Usage: python scripts/kill_test.py [--seed 17] [--stand-ins 180] [--real 20] [--aimed]. The exit code is 1 for a
difference.
"""

import argparse
import importlib
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from kill_moments import aimed, at_random  # noqa: E402
from killed_runs import NEVER, Kill, adopt_orphans, orphans  # noqa: E402
from namespaces import RESOLVER, isolate  # noqa: E402
from undisturbed_runs import Kind  # noqa: E402
from watched_places import KEPT  # noqa: E402
from workspace_content import content, differences  # noqa: E402

# Slow imports of every run. ONNX Runtime is not among them, because a forked process has none of its threads.
IMPORTED = (
    "mlflow", "mlflow.store.tracking.sqlalchemy_store", "porting.repository.publishing.writer",
    "porting.configuration.settings",
    "porting.training.training_loop", "standin_stages",
)  # fmt: skip
STAND_INS = ["datamodule._target_=standin_stages.FewestDigits", "train.epochs=3", "backbone.width=0.25", "task=digits"]
FRESH_SHARE = 0.15
ELSEWHERE = ("/dev/shm/*", "/tmp/python_env_*", "/tmp/folder??????")  # noqa: S108

# An aimed moment may end before the kill.
AIMED_TRIES = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--stand-ins", type=int, default=180)
    parser.add_argument("--real", type=int, default=20)
    parser.add_argument("--aimed", action="store_true", help="also at moments that are known to be delicate")
    asked = parser.parse_args()
    # A run sees an empty /tmp, so this folder is elsewhere.
    folder = Path(tempfile.mkdtemp(prefix="kills-", dir="/var/tmp"))
    temporary = folder / "tmp"
    temporary.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    from porting.tracking.runs import quieten_mlflow

    quieten_mlflow()
    for name in IMPORTED:
        importlib.import_module(name)
    adopt_orphans()
    with suppress(OSError):
        # Where the kernel allows it, /tmp and /dev/shm have no files of others.
        isolate([folder, ROOT, Path(sys.prefix), Path(sys.base_prefix)], RESOLVER)
    print(f"seed {asked.seed}, in {folder}", flush=True)
    outcomes = list(rounds(asked, folder))
    tell(outcomes)
    if any(faults for _, faults in outcomes):
        raise SystemExit(f"what was found lies in {folder}")
    shutil.rmtree(folder)


def rounds(asked: argparse.Namespace, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The actions of each round, and the faults after it."""
    from standin_stages import take_the_places
    from support import SMALL

    draw = random.Random(asked.seed)  # noqa: S311
    quick = Kind("stand-ins", STAND_INS, take_the_places, folder / "stand-ins")
    real = Kind("real", [*SMALL, "targets.local_cpu.runtime=onnxruntime"], lambda: None, folder / "real")
    kills = [*(aimed(folder / "tmp") if asked.aimed else []), *([None] * asked.stand_ins)]
    for kind, planned in ((quick, kills), (real, [None] * asked.real)):
        if planned:
            kind.refer()
        for number, kill in enumerate(planned):
            what, faults = one_round(kind, kind.folder / f"round-{number}", draw, kill)
            print(f"{kind.name} {number + 1}/{len(planned)} {what}: {'; '.join(faults) or 'the same'}", flush=True)
            yield f"{kind.name}, {what}", faults


def one_round(kind: Kind, workspace: Path, draw: random.Random, kill: Kill | None) -> tuple[str, list[str]]:
    """Kills a run, runs it to its end, and returns the differences from an undisturbed one."""
    fresh = draw.random() < FRESH_SHARE if kill is None else kill.first
    seed, latest, whole = draw.random(), 1.0, kind.first if fresh else kind.later
    for tries in itertools.count(1):
        if not fresh:
            shutil.copytree(kind.template, workspace)
        how = kill or at_random(whole.seconds * latest, int(whole.changes * latest), random.Random(seed))  # noqa: S311
        before = elsewhere()
        code = kind.run(workspace, how)
        if code or (kill and tries == AIMED_TRIES):
            break
        # The run was faster than the undisturbed one.
        shutil.rmtree(workspace)
        latest *= 0.7
    faults = [] if code else ["the run ended before it could be killed"]
    if code > 0 and how.number == signal.SIGKILL:
        faults.append(f"the run failed before it was killed: {(kind.folder / 'err').read_text()[-300:]}")
    faults += [f"orphan {one}" for one in orphans()]
    if kind.run(workspace, NEVER):
        faults.append(f"the next run ended so: {(kind.folder / 'err').read_text()[-300:]}")
    else:
        faults += differences(kind.first.left, content(workspace), kind.name == "real")
    faults += [f"left: {path}" for path in sorted(elsewhere() - before)]
    if not faults:
        shutil.rmtree(workspace)
    return f"{how.what}{' of a first run' if fresh else ''}", faults


def elsewhere() -> set[Path]:
    """The temporary files and the shared memory."""
    own = {path for path in Path(tempfile.gettempdir()).iterdir() if not KEPT.fullmatch(path.name)}
    return own | {path for pattern in ELSEWHERE for path in Path("/").glob(pattern.lstrip("/"))}


def tell(outcomes: list[tuple[str, list[str]]]) -> None:
    """Prints one table and all faults."""
    every, wrong = Counter(what for what, _ in outcomes), Counter(what for what, faults in outcomes if faults)
    width = max(map(len, every), default=0)
    print(f"\n{'kills':<{width}}  times  the same")
    for what, times in sorted(every.items()):
        print(f"{what:<{width}}  {times:>5}  {times - wrong[what]:>8}")
    print(f"{'all':<{width}}  {len(outcomes):>5}  {sum(not faults for _, faults in outcomes):>8}")
    for what, faults in outcomes:
        for fault in faults:
            print(f"{what}: {fault}")


if __name__ == "__main__":
    main()
