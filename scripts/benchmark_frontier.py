"""The frontier on real CIFAR-10 against NNI's Taylor pruner, Torch-Pruning's own, and int8 of the base alone.

Usage: python scripts/benchmark_frontier.py [--family resnet|densenet] ... [--data FOLDER]

Training takes hours on two cores. Every stage keeps what it has made in artifacts/frontier, so that the same command
goes on where it was stopped; at the end everything is measured anew, in turns on one server.
"""

import argparse
import itertools
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from figures import FOLDER as PAGES
from figures import ROOT, record
from frontier_curves import draw
from frontier_figures import NNI, OURS, TORCH_PRUNING, Measured, curves, figures

from porting.benches import Benches
from porting.pruners.throughput import FileThroughput
from porting.workspace import ONNX, Workspace
from profiler.level import LevelSettings, ThroughputSettings
from profiler.target import Target

FOLDER = ROOT / "artifacts" / "frontier"
RATIOS = "[0.3,0.5,0.65,0.75]"
METHODS = {
    OURS: ["pruner=hessian", "prune.ratios=[]", "prune.latency=[0.5,0.3,0.18,0.11]", "prune.family=true"],
    NNI: ["pruner=nni_taylor", f"prune.ratios={RATIOS}", "prune.round_to=1"],
    TORCH_PRUNING: ["pruner=torch_pruning_own", f"prune.ratios={RATIOS}", "prune.round_to=1"],
}
# The same for every method.
TUNING = ["finetune.epochs=6", "finetune.patience=6", "finetune.label_smoothing=0.1", "finetune.ema_decay=0.999"]
BATCHES = [1, 4, 16]
THROUGHPUT = LevelSettings.of_throughput(
    ThroughputSettings(
        batches=BATCHES, max_concurrency=4, search_seconds=0.5, settle_seconds=3.0, settle_every_batch=False
    ),
    budget_s=60,
)


@dataclass(frozen=True)
class Family:
    """A base network, the experiment that trains it, and the speed-up to reach at one point below its accuracy."""

    name: str
    experiment: str
    goal: float

    @property
    def workspace(self) -> Path:
        """One of its own, as a stage works on every variant of a workspace."""
        return FOLDER / self.name


FAMILIES = (
    Family("resnet", "cifar10_resnet20x2", goal=8.0),
    Family("densenet", "cifar10_densenet", goal=10.0),
)
TASK = "cifar10"


def make(family: Family, data: Path) -> None:
    """Everything that is to be measured, as far as it is not there yet."""
    common = [
        f"experiment={family.experiment}", f"task={TASK}", f"workspace={family.workspace}", f"datamodule.root={data}",
        "tracking.enabled=false",
    ]  # fmt: skip
    run("stage=train", *common)
    run("stage=[export,quantize]", *common)
    for method in METHODS.values():
        run("stage=[prune,finetune,export,quantize]", *common, *TUNING, *method)


def run(*arguments: str) -> None:
    """One command, which says what it makes; it ends this one where it fails."""
    print("dnn-porting", *arguments, flush=True)
    baselines = str(Path(__file__).parent / "baselines")
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-m", "porting", "--config-dir", baselines, *arguments]
    subprocess.run(command, check=True, env=environment, cwd=ROOT)


def measure(family: Family) -> list[Measured]:
    """All variants of a family on one server on one core, one after the other, drift divided out."""
    workspace, found = Workspace(family.workspace), []
    with closing(Benches()) as benches:
        throughput = FileThroughput(benches, "benchmark", Target(), THROUGHPUT)
        for variant in workspace.variants(TASK):
            if variant.onnx is not None and variant.onnx.test_accuracy is not None:
                rate = throughput.images_per_s(workspace.folder(variant) / ONNX)
                found.append(Measured(variant, variant.onnx.test_accuracy.value, rate))
                print(f"{variant.name}: {found[-1].accuracy:.4f}, {rate:,.0f} images/s", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", action="append", choices=[family.name for family in FAMILIES])
    parser.add_argument("--data", type=Path, default=ROOT / "artifacts" / "data" / "cifar10")
    options = parser.parse_args()
    chosen = [family for family in FAMILIES if not options.family or family.name in options.family]
    for family in chosen:
        make(family, options.data)
    measured = [(family, measure(family)) for family in chosen]
    draw({family.name: curves(found) for family, found in measured}, PAGES / "frontier.png")
    record(
        "frontier",
        dict(itertools.chain.from_iterable(figures(family.name, family.goal, found) for family, found in measured)),
    )


if __name__ == "__main__":
    main()
