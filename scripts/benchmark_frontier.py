"""The frontier on CIFAR-10 beside NNI's Taylor pruner, Torch-Pruning's own pruner, and int8 of the base alone.

Usage: python scripts/benchmark_frontier.py [--family resnet|densenet] ... [--step STEP] ... [--data FOLDER]

Training takes hours on two cores and minutes on a GPU. Every stage keeps its results in artifacts/frontier, so the same
command continues after an interruption. The script refuses results of other aims or epochs in that folder. The steps
`train` and `finetune` may run on another machine: carry the folder there and back. The steps `prune` and `measure` run
on the target. At the end all variants are measured again, in turns on one server.
"""

import argparse
import itertools
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from figures import FOLDER as PAGES
from figures import ROOT, record
from frontier_curves import draw
from frontier_figures import Measured, curves, figures
from frontier_recipes import CRITERION, FAMILIES, OTHERS, RATIOS, Family

from porting.jobs.context import ReadyTargets
from porting.pruners.measured_throughput import FileThroughput
from porting.workspace.workspace import ONNX, Workspace
from profiler.common.profile_settings import LevelSettings, ThroughputSettings
from profiler.common.target import Target

# The widths follow the table of fp32 operators. At the same int8 speed, ResNets with widths of the int8 table kept
# about the same accuracy before fine-tuning, and the smallest ones less.
OURS = [f"pruner={CRITERION}", "prune.ratios=[]", "prune.precision=fp32"]
THEIRS = [[f"pruner={one}", f"prune.ratios={list(RATIOS)}", "prune.round_to=1"] for one in OTHERS]
# Every method has this value, and also the unpruned reference network.
TUNING = ["finetune.label_smoothing=0.1", "finetune.ema_decay=0.999", "finetune.unpruned_too=true"]
STEPS = ("train", "prune", "finetune", "measure")
BATCHES = [1, 4, 16]
THROUGHPUT = LevelSettings.of_throughput(
    ThroughputSettings(batches=BATCHES, max_concurrency=4, search_seconds=0.5, settle_seconds=3.0),
    budget_s=60,
)


TASK = "cifar10"


def commands(family: Family, step: str) -> list[list[str]]:
    """The stages of a step."""
    match step:
        case "train":
            return [["stage=train"]]
        case "prune":
            return [
                ["stage=prune", *one] for one in ([*OURS, f"prune.latency_shares={list(family.latencies)}"], *THEIRS)
            ]
        case "finetune":
            return [["stage=finetune", *TUNING]]
    # The scheme is the one of ONNX Runtime's x86 kernels, and the calibrations take seconds.
    return [["stage=[export,quantize]", "quantize.schemes=[u8s8]", "quantize.calibrations=[minmax,percentile]"]]


def make(family: Family, data: Path, step: str) -> None:
    """Makes the missing results of a step, in a workspace that has no other content."""
    family.check(Workspace(family.workspace).variants(TASK))
    common = [
        f"experiment={family.experiment}", f"task={TASK}", f"workspace={family.workspace}", f"datamodule.root={data}",
        "tracking.enabled=false", f"finetune.epochs={family.epochs}", f"finetune.patience={family.epochs}",
    ]  # fmt: skip
    for command in commands(family, step):
        run(*command, *common)


def run(*arguments: str) -> None:
    """One command, whose output is shown; a failure of the command ends the script."""
    print("dnn-porting", *arguments, flush=True)
    baselines = str(Path(__file__).parent / "baselines")
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-m", "dnn_porting", "--config-dir", baselines, *arguments]
    subprocess.run(command, check=True, env=environment, cwd=ROOT)


def measure(family: Family) -> list[Measured]:
    """The throughputs of all variants of a family on one server and one core, at the speed beside the first one."""
    workspace, found = Workspace(family.workspace), []
    family.check(workspace.variants(TASK))
    with closing(ReadyTargets()) as ready:
        throughput = FileThroughput(ready, "benchmark", Target(), THROUGHPUT)
        for variant in workspace.variants(TASK):
            file = variant.onnx
            if file is not None and file.validation_accuracy is not None and file.test_accuracy is not None:
                rate = throughput.images_per_s(workspace.folder(variant) / ONNX)
                found.append(Measured(variant, file.validation_accuracy.value, file.test_accuracy.value, rate))
                print(f"{variant.name}: {found[-1].test_accuracy:.4f}, {rate:,.0f} images/s", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", action="append", choices=[family.name for family in FAMILIES])
    parser.add_argument("--data", type=Path, default=ROOT / "artifacts" / "data" / "cifar10")
    parser.add_argument("--step", action="append", choices=STEPS, help="once for each (default: all)")
    options = parser.parse_args()
    steps = [step for step in STEPS if not options.step or step in options.step]
    chosen = [family for family in FAMILIES if not options.family or family.name in options.family]
    for family, step in itertools.product(chosen, steps):
        make(family, options.data, step)
    if "measure" not in steps:
        return
    measured = [(family, measure(family)) for family in chosen]
    draw({family.name: curves(found) for family, found in measured}, PAGES / "frontier.png")
    record(
        "frontier",
        dict(itertools.chain.from_iterable(figures(family.name, family.goal, found) for family, found in measured)),
    )


if __name__ == "__main__":
    main()
