"""The accuracy of the throughput search: networks pruned to a speed-up, compared with the unpruned one, in turns.

Usage: python scripts/benchmark_targets.py

The networks are trained on digits for one epoch only, because the weights do not decide the measured speed.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from figures import ROOT, Figure, record

from porting.jobs.context import ReadyTargets
from porting.pruners.measured_throughput import FileThroughput
from porting.workspace.records import Variant
from porting.workspace.workspace import ONNX, Workspace
from profiler.common.errors import BadInputError
from profiler.common.profile_settings import LevelSettings, ThroughputSettings
from profiler.common.target import Target

TASK, BATCH, ROUNDS, TOLERANCE = "digits", 16, 5, 0.05
SPEED_UPS = (1.5, 2.0, 3.0, 4.0, 6.0)
NETWORKS = {
    "ResNet-20 × 2": ["backbone=resnet20", "backbone.width=2.0"],
    "DenseNet-BC 22, growth 24": ["backbone=densenet_bc", "backbone.depth=22", "backbone.growth=24"],
}
THROUGHPUT = LevelSettings.of_throughput(
    ThroughputSettings(batches=[BATCH], max_concurrency=4, search_seconds=0.5, settle_seconds=3.0),
    budget_s=60,
)


@dataclass(frozen=True)
class Asked:
    """A pruned network, its wanted speed-up, and the speed-up that the search measured at its end."""

    path: Path
    speed_up: float
    found: float


def pruned(network: list[str], workspace: Workspace) -> tuple[Path, list[Asked], dict[float, str]]:
    """The base's file, the file of each network that was pruned for a speed-up, and the refusals of others."""
    common = [*network, f"workspace={workspace.root}", "tracking.enabled=false"]
    if reason := refusal("stage=[train,export]", "train.epochs=1", *common):
        sys.exit(reason)
    prune = ["stage=[prune,export]", "train.epochs=1", "pruner=taylor", "prune.ratios=[]", *common]
    reasons = {one: refusal(*prune, f"prune.target_speedup=[{one:g}]") for one in SPEED_UPS}
    variants = [one for one in workspace.variants(TASK) if one.onnx is not None]
    base = next(one for one in variants if one.pruning is None)
    asked = [
        Asked(file(workspace, one), one.pruning.asked, one.pruning.images_per_s / one.pruning.images_per_s_before)
        for one in variants
        if one.pruning and one.pruning.images_per_s and one.pruning.images_per_s_before
    ]
    return file(workspace, base), asked, {one: reason for one, reason in reasons.items() if reason}


def file(workspace: Workspace, variant: Variant) -> Path:
    return workspace.folder(variant) / ONNX


def refusal(*arguments: str) -> str:
    """Runs one command, whose output is shown, and returns the line of its refusal, else an empty text.

    Raises `CalledProcessError` for any other failure.
    """
    print("dnn-porting", *arguments, flush=True)
    command = [sys.executable, "-m", "dnn_porting", *arguments]
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT)
    print(done.stderr, file=sys.stderr, end="", flush=True)
    if done.returncode != BadInputError.exit_code:
        done.check_returncode()
        return ""
    return done.stderr.strip().splitlines()[-1]


def speed_ups(base: Path, networks: list[Asked]) -> dict[float, list[float]]:
    """The speed-ups of all networks over the base, once a round, in turns."""
    found: dict[float, list[float]] = {one.speed_up: [] for one in networks}
    with closing(ReadyTargets()) as ready:
        measure = FileThroughput(ready, "benchmark", Target(), THROUGHPUT)
        for _ in range(ROUNDS):
            whole = measure.images_per_s(base)
            for one in networks:
                found[one.speed_up].append(measure.images_per_s(one.path) / whole)
    return found


def figures() -> Iterator[tuple[str, Figure]]:
    """The number of met speed-ups, and each of them."""
    each, met = {}, 0
    for name, network in NETWORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            base, networks, refused = pruned(network, Workspace(Path(folder)))
            found = speed_ups(base, networks)
        for one in networks:
            value = median(found[one.speed_up])
            met += abs(value / one.speed_up - 1) <= TOLERANCE
            note = f"median of {ROUNDS} rounds and their range; the search had ended at {one.found:.2f}"
            interval = min(found[one.speed_up]), max(found[one.speed_up])
            each[f"{name}: asked for × {one.speed_up:g}"] = Figure(value, "×", interval, note)
        for speed_up, reason in refused.items():
            each[f"{name}: asked for × {speed_up:g}"] = Figure(None, "×", note=f"refused: {reason}")
    goal = f"to reach: 9 of 10; within {TOLERANCE:.0%} of what was asked, measured again"
    yield f"throughputs met of {len(NETWORKS) * len(SPEED_UPS)}", Figure(met, "", note=goal)
    yield from each.items()


if __name__ == "__main__":
    record("targets", dict(figures()))
