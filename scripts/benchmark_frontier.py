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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

from figures import ROOT, Figure, record

from porting.records import Variant
from porting.repository.hypervolume import hypervolume
from porting.workspace import ONNX, Workspace
from profiler.bench import bench
from profiler.level import LevelSettings, ThroughputSettings
from profiler.profiling import profile_file
from profiler.records.profile import Profile
from profiler.target import Target

FOLDER = ROOT / "artifacts" / "frontier"
RATIOS = "[0.3,0.5,0.65,0.75]"
OURS, NNI, TORCH_PRUNING = "hessian-latency", "nni-taylor", "torch-pruning-own"
METHODS = {
    OURS: ["pruner=hessian", "prune.ratios=[]", "prune.latency=[0.55,0.33,0.2,0.13]", "prune.family=true"],
    NNI: ["pruner=nni_taylor", f"prune.ratios={RATIOS}", "prune.round_to=1"],
    TORCH_PRUNING: ["pruner=torch_pruning_own", f"prune.ratios={RATIOS}", "prune.round_to=1"],
}
# The same for every method.
TUNING = ["finetune.epochs=6", "finetune.patience=6", "finetune.label_smoothing=0.1", "finetune.ema_decay=0.999"]
BATCHES, MOST_LOST, REFERENCE_LOST = [1, 4, 16], 0.01, 0.05
THROUGHPUT = ThroughputSettings(
    batches=BATCHES, max_concurrency=4, search_seconds=0.5, settle_seconds=3.0, settle_every_batch=False
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


@dataclass(frozen=True)
class Measured:
    """A variant with its test accuracy and its maximal throughput over all batches."""

    variant: Variant
    accuracy: float
    images_per_s: float

    @property
    def method(self) -> str:
        labels = [label for label in self.variant.technique if label.startswith(tuple(METHODS))]
        return next((one for one in METHODS if labels and labels[0].startswith(one)), "base")

    @property
    def precision(self) -> str:
        return self.variant.onnx.precision if self.variant.onnx else ""


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
    workspace = Workspace(family.workspace)
    exported = [variant for variant in workspace.variants(TASK) if variant.onnx is not None]
    settings = LevelSettings.of_throughput(THROUGHPUT, budget_s=60)
    found, first = [], None
    with bench("benchmark", Target(cores=1, threads=1, instances=1)) as ready:
        for variant in exported:
            path = workspace.folder(variant) / ONNX
            profile: Profile = profile_file(ready, path, settings, None, first, lambda *_: None, lambda _: None)
            first = first or profile
            best, accuracy = profile.best_throughput(), variant.onnx.test_accuracy if variant.onnx else None
            if best is not None and accuracy is not None:
                found.append(Measured(variant, accuracy.value, best.corrected_images_per_s))
                print(f"{variant.name}: {accuracy.value:.4f}, {best.corrected_images_per_s:,.0f} images/s", flush=True)
    return found


def figures(family: Family, found: Sequence[Measured]) -> Iterator[tuple[str, Figure]]:
    """What the family reached, beside what the others did."""
    base = next(one for one in found if not one.variant.technique)
    yield f"{family.name}: base, test accuracy", Figure(base.accuracy, "0 to 1", note=base.variant.name)
    yield f"{family.name}: base, maximal throughput", Figure(base.images_per_s, "images/s")
    ours = [one for one in found if one.method in (OURS, "base")]
    for kind, some in (("", ours), (", fp32 only", [one for one in ours if one.precision == "fp32"])):
        best = max((o for o in some if o.accuracy >= base.accuracy - MOST_LOST), key=lambda one: one.images_per_s)
        yield f"{family.name}: speed-up at most 1 point below the base{kind}", Figure(
            best.images_per_s / base.images_per_s, "×",
            note=f"to reach: {family.goal:g}; {best.variant.name}, {best.accuracy:.4f}" if not kind
            else f"{best.variant.name}, {best.accuracy:.4f}",
        )  # fmt: skip
    yield from against_others(family, base, ours, found)
    for one in sorted(found, key=lambda one: (one.method, -one.accuracy)):
        name = f"{family.name}, {one.method}: {' '.join(one.variant.technique) or 'base'}"
        yield name, Figure(one.images_per_s / base.images_per_s, "×", note=f"test accuracy {one.accuracy:.4f}")


def against_others(
    family: Family, base: Measured, ours: Sequence[Measured], found: Sequence[Measured]
) -> Iterator[tuple[str, Figure]]:
    """The hypervolume of accuracy and the logarithm of throughput, ours over that of each other method with int8."""
    others: Mapping[str, tuple[float, Sequence[Measured]]] = {
        "NNI Taylor with the same epochs": (1.25, [one for one in found if one.method in (NNI, "base")]),
        "Torch-Pruning's own pruner": (1.15, [one for one in found if one.method in (TORCH_PRUNING, "base")]),
        "int8 of the base alone": (1.15, [one for one in found if one.method == "base"]),
    }
    reference = base.accuracy - REFERENCE_LOST, log(base.images_per_s)

    def volume(some: Sequence[Measured]) -> float:
        return hypervolume([(one.accuracy, log(one.images_per_s)) for one in some], reference).value

    for name, (goal, some) in others.items():
        ratio = volume(ours) / volume(some) if volume(some) else None
        note = f"to reach: {goal}; reference: base accuracy less 5 points, base throughput"
        yield f"{family.name}: hypervolume over {name}", Figure(ratio, "ratio", note=note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", action="append", choices=[family.name for family in FAMILIES])
    parser.add_argument("--data", type=Path, default=ROOT / "artifacts" / "data" / "cifar10")
    options = parser.parse_args()
    chosen = [family for family in FAMILIES if not options.family or family.name in options.family]
    for family in chosen:
        make(family, options.data)
    measured = [(family, measure(family)) for family in chosen]
    record("frontier", dict(itertools.chain.from_iterable(figures(family, found) for family, found in measured)))


if __name__ == "__main__":
    main()
