"""Small real workspaces, made once: the folders that a case copies."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from damage_commands import TRACE, cut_arguments, operators_arguments, staged
from many_cases import Outcome
from watched_commands import ROOT, Command, Seen

# The limits of a command above the same command with good files.
BEYOND_S, BEYOND_BYTES = 10.0, 2 << 30
CONTROL_LIMIT_S, CONTROL_LIMIT_BYTES = 300.0, 6 << 30
# The best and the last checkpoint of the first epoch, and one more checkpoint.
WRITTEN_BY_THE_SECOND_EPOCH = 3
# A workspace, a copy of it, the files of a box that profiles, an interrupted training, a wider network.
PARTS = ("base", "other", "box", "cut", "wide")


def prepare(folder: Path, parts: Sequence[str]) -> float:
    """Makes the workspaces of the `PARTS`, each once; returns the duration of the first one in s."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "made.json"
    seconds: dict[str, float] = json.loads(made.read_text()) if made.exists() else {}
    makers = {"base": make_base, "other": copy_base, "box": make_box, "cut": cut_training, "wide": make_operators}
    for name in (one for one in parts if one not in seconds):
        shutil.rmtree(folder / name, ignore_errors=True)
        began = time.monotonic()
        makers[name](folder)
        seconds[name] = time.monotonic() - began
        made.write_text(json.dumps(seconds))
    return seconds["base"]


def make_base(folder: Path) -> None:
    run_plainly(folder, staged("all", tracked=True)(folder))


def run_plainly(folder: Path, command: Command) -> None:
    """Runs a command in a process of its own, with all imports; raises `CalledProcessError` where it fails."""
    subprocess.run([sys.executable, "-m", command.module, *command.arguments], cwd=folder, check=True, env=plainly())


def plainly() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def copy_base(folder: Path) -> None:
    shutil.copytree(folder / "base", folder / "other", symlinks=True)


def make_operators(folder: Path) -> None:
    """A table of the operators' times."""
    run_plainly(folder, Command(operators_arguments(folder, "[train,prune]", 0.6)))


def make_box(folder: Path) -> None:
    """A published network, the request for it, its profile, and a trace."""
    box = folder / "box"
    box.mkdir()
    shutil.copy(min(folder.glob("base/repository/*/[0-9]*/model.onnx")), box / "model.onnx")
    overrides = [one for one in staged("all")(folder).arguments if one.startswith(("profile.", "targets."))]
    run_plainly(folder, Command(["request", *overrides, "--output", str(box / "request.json")]))
    words = [str(box / "model.onnx"), str(box / "request.json"), "--output", str(box / "profile.json")]
    run_plainly(folder, Command(words, module="profiler"))
    (box / "requests.txt").write_text(TRACE)


def cut_training(folder: Path) -> None:
    """A training that is killed in its second epoch, or soon after."""
    workspace = folder / "cut"
    process = subprocess.Popen(
        [sys.executable, "-m", "dnn_porting", *cut_arguments(workspace), "tracking.enabled=false"], env=plainly()
    )
    written: set[tuple[Path, int]] = set()
    while process.poll() is None and len(written) < WRITTEN_BY_THE_SECOND_EPOCH:
        for path in workspace.glob("tasks/*/trainings/*/[!.]*"):
            # Another process may have replaced it.
            with suppress(FileNotFoundError):
                written.add((path, path.stat().st_mtime_ns))
        time.sleep(0.002)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not list(workspace.glob("tasks/*/trainings/*/*")):
        raise RuntimeError("the training ended before it could be killed")


def kept_outcome(seen: Seen) -> Outcome:
    """The output of a run that is kept."""
    return {"code": seen.code, "seconds": round(seen.seconds, 2), "mib": seen.peak_bytes >> 20, "err": seen.err[-1500:],
            "out": seen.out[-300:]}  # fmt: skip
