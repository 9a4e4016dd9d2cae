"""Kills a pipeline at random moments, runs the same command to its end, and compares with an undisturbed run.

Usage: python scripts/kill_test.py [--seed 17] [--stand-ins 180] [--real 20] [--aimed]. Exit code 1 where one differs.
"""

import argparse
import hashlib
import importlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from killed_runs import NEVER, Kill, adopt_orphans, ended, orphans, start  # noqa: E402

# Slow imports that every run would repeat; not ONNX Runtime, which starts threads that a forked process would lack.
IMPORTED = (
    "mlflow", "mlflow.store.tracking.sqlalchemy_store", "porting.repository.writer", "porting.settings",
    "porting.training.fit", "standin_stages",
)  # fmt: skip
STAND_INS = ["datamodule._target_=standin_stages.FewestDigits", "train.epochs=3", "backbone.width=0.25", "task=digits"]
TIMES = {"seconds", "published_at", "details_sha256"}
FRESH_SHARE = 0.15
ELSEWHERE = ("/dev/shm/*", "/tmp/python_env_*")  # noqa: S108
# What belongs to libraries and is kept between runs.
THEIRS = {".ses", "torchinductor_root"}


@dataclass(frozen=True)
class Undisturbed:
    """What a run takes, and leaves."""

    seconds: float
    changes: int
    left: dict[str, Any]


class Kind:
    """Runs of one kind, and what undisturbed ones took and left: a first one, and one with a database of MLflow's."""

    def __init__(self, name: str, arguments: list[str], prepare: Callable[[], None], folder: Path) -> None:
        self.name, self.arguments, self.prepare, self.folder = name, arguments, prepare, folder

    first: Undisturbed
    later: Undisturbed

    @property
    def template(self) -> Path:
        """A workspace in which MLflow's first migration, which takes the most of a first run, is over."""
        return self.folder / "template"

    def refer(self) -> None:
        """Runs it undisturbed."""
        self.folder.mkdir()
        with_database_only(self.template)
        self.first = self.undisturbed(self.folder / "first")
        shutil.copytree(self.template, self.folder / "later")
        self.later = self.undisturbed(self.folder / "later")
        if faults := differences(self.first.left, self.later.left, measured=self.name == "real"):
            raise SystemExit(f"two undisturbed runs differ: {faults}")

    def undisturbed(self, workspace: Path) -> Undisturbed:
        begin = time.monotonic()
        code = self.run(workspace, NEVER)
        seconds = time.monotonic() - begin
        if code:
            raise SystemExit(f"the undisturbed run ended with code {code}: {(self.folder / 'err').read_text()}")
        changes = int((self.folder / "changes").read_text())
        print(f"{self.name}: {seconds:.1f} s and {changes} changes of files undisturbed", flush=True)
        return Undisturbed(seconds, changes, content(workspace))

    def run(self, workspace: Path, kill: Kill) -> int:
        return ended(start([*self.arguments, f"workspace={workspace}"], kill, self.folder, self.prepare), kill)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--stand-ins", type=int, default=180)
    parser.add_argument("--real", type=int, default=20)
    parser.add_argument("--aimed", action="store_true", help="also at moments that are known to be delicate")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    temporary = folder / "tmp"
    temporary.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    from porting.tracking import quieten_mlflow

    quieten_mlflow()
    for name in IMPORTED:
        importlib.import_module(name)
    adopt_orphans()
    print(f"seed {asked.seed}, in {folder}", flush=True)
    outcomes = list(rounds(asked, folder))
    tell(outcomes)
    if any(faults for _, faults in outcomes):
        raise SystemExit(f"what was found lies in {folder}")
    shutil.rmtree(folder)


def rounds(asked: argparse.Namespace, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """What was done in each round, and what was wrong after it."""
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


def with_database_only(workspace: Path) -> None:
    """Makes an empty database of MLflow's."""
    from porting.mlflow_file import ready

    # In a process of its own: a database engine is not to be shared with what is forked later.
    if not (pid := os.fork()):
        ready(workspace / "mlflow.db")
        os._exit(0)
    os.waitpid(pid, 0)


def aimed(temporary: Path) -> list[Kill]:
    """Moments at which something is half done."""
    begun: list[float] = []

    def migrating() -> bool:
        if not begun and any(path.stat().st_size for path in temporary.glob("dnn-porting-mlflow-*/mlflow.db")):
            begun.append(time.monotonic())
        return bool(begun) and time.monotonic() - begun[0] > 0.5

    def replaced(what: str, end: str, first: bool = False) -> list[Kill]:
        moments = (("before", 0), ("after", 1))
        return [
            Kill(f"aimed {word} {what}", before=("os.rename", end), later=one, first=first) for word, one in moments
        ]

    return [
        Kill("aimed into the first migration", seen=migrating, first=True),
        *replaced("a checkpoint's rename", ".ckpt"),
        *replaced("the variant's rename", "variants/digits-resnet8"),
        *replaced("publish's swap", ".repository-link"),
        *replaced("mlflow.db's rename", "mlflow.db", first=True),
    ]


def one_round(kind: Kind, workspace: Path, draw: random.Random, kill: Kill | None) -> tuple[str, list[str]]:
    """Kills a run, runs it to its end, and says what differs from an undisturbed one."""
    fresh = draw.random() < FRESH_SHARE if kill is None else kill.first
    seed, latest = draw.random(), 1.0
    while True:
        if not fresh:
            shutil.copytree(kind.template, workspace)
        how = kill or at_random(kind.first if fresh else kind.later, random.Random(seed), latest)  # noqa: S311
        before = elsewhere()
        code = kind.run(workspace, how)
        if code or kill:
            break
        # It was quicker than the undisturbed one.
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
    faults += [
        f"left in TMPDIR: {path.name}" for path in Path(tempfile.gettempdir()).iterdir() if path.name not in THEIRS
    ]
    faults += [f"left: {path}" for path in sorted(elsewhere() - before)]
    if not faults:
        shutil.rmtree(workspace)
    return f"{how.what}{' of a first run' if fresh else ''}", faults


def at_random(one: Undisturbed, draw: random.Random, latest: float) -> Kill:
    """Half of the kills fall at a random time, and half right before a random change of a file."""
    if draw.random() < 0.5:
        return Kill("SIGKILL before a change of a file", change=draw.randrange(max(1, int(latest * one.changes))) + 1)
    how = draw.choice(
        [
            Kill("SIGKILL"),
            Kill("SIGKILL"),
            Kill("SIGKILL to the group", group=True),
            Kill("SIGTERM", number=signal.SIGTERM),
        ]
    )
    return replace(how, seconds=draw.uniform(0, latest * one.seconds))


def elsewhere() -> set[Path]:
    return {path for pattern in ELSEWHERE for path in Path("/").glob(pattern.lstrip("/"))}


def content(workspace: Path) -> dict[str, Any]:
    """What a run leaves: every file by its digest, without times, and without what MLflow names at random."""
    found: dict[str, Any] = {"MLflow": runs(workspace / "mlflow.db")}
    for path in sorted(workspace.rglob("*")):
        name = re.sub(r"^\.repository-[0-9a-f]{12}", "repository", str(path.relative_to(workspace)))
        if not name.startswith("mlartifacts/") and path.is_file() and not path.is_symlink():
            found[name] = digest(path, name)
    found["repository whole"] = whole(workspace / "repository")
    return found


def digest(path: Path, name: str) -> Any:
    """Of what does not depend on the time or the workspace's place."""
    if name == "mlflow.db" or name.endswith(("report.html", "frontier.png")):
        return "there"
    text = path.read_bytes()
    if path.suffix == ".json":
        text = json.dumps(timeless(json.loads(text), name == "repository/repository.json")).encode()
    elif path.name == "config.yaml":
        text = re.sub(rb"(?m)^workspace: .*$", b"", text)
    return hashlib.sha256(text).hexdigest()


def timeless(value: Any, index: bool = False) -> Any:
    if isinstance(value, dict):
        return {key: timeless(one) for key, one in value.items() if key not in TIMES and not (index and key == "key")}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def whole(root: Path) -> str:
    """Whether a reader finds the repository whole."""
    from porting.repository import Repository
    from porting.repository.writer import is_whole

    return "yes" if is_whole(Repository.load(root)) else "no"


def runs(database: Path) -> str:
    """Whether MLflow's database has a finished run, and none that is still open."""
    with closing(sqlite3.connect(database)) as connection:
        states = {state for (state,) in connection.execute("SELECT status FROM runs")}
    return "finished" if "FINISHED" in states and "RUNNING" not in states else f"{states}"


def differences(expected: dict[str, Any], found: dict[str, Any], measured: bool) -> list[str]:
    """What is missing, new or different; of a measured profile and what follows from it only that it is there."""
    if measured:
        free = ("/profiles/", "/samples/", "repository/")
        expected, found = (
            {k: v for k, v in one.items() if not any(part in k for part in free)} for one in (expected, found)
        )
    return [
        f"{name} differs" for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)
    ]


def tell(outcomes: list[tuple[str, list[str]]]) -> None:
    """One table, and all that was wrong."""
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
