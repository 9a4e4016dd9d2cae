"""First inferences of network families in torch, and the errors of a random forest that predicts other variants."""

import os

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # torch reads it during its import

import statistics
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from figures import ROOT, Figure, record
from torch import nn
from torchvision.models import DenseNet
from torchvision.models.resnet import BasicBlock

from backbones.mobilenet import mobilenet_v2
from backbones.resnet import ResNet
from porting.configuration.settings import ExportSettings
from porting.onnx_files.onnx_export import export_network
from profiler.common.target import Target
from profiler.graph.layers import count_layers, sum_layers
from profiler.warm_up.collect import Program, collect, read_observations
from profiler.warm_up.dataset import Dataset, tabulate
from profiler.warm_up.evaluation import scores
from profiler.warm_up.learning import learn
from profiler.warm_up.observations import WarmUpObservation, network_size
from profiler.warm_up.predictor import PredictionScore, PredictorCard, save_predictor

FOLDER = ROOT / "artifacts" / "warm_up"
INPUT_SHAPE, CLASSES = (3, 32, 32), 10
BATCHES = (1, 2, 4, 8, 16, 32)
REPEATS = 5
GOALS = {"cvrmse": 0.15, "mape": 0.08}
SHOWN_FEATURES = 5


def family() -> Iterator[tuple[str, Callable[[], nn.Module]]]:
    """Variants by name: five backbones, each from narrow to wide."""
    for depth, blocks in ((8, 1), (20, 3), (32, 5)):
        for width in (8, 12, 16, 20, 24, 28, 32):
            yield (
                f"resnet{depth}-{width}",
                partial(ResNet, INPUT_SHAPE[0], CLASSES, BasicBlock, (blocks,) * 3, width, "cifar"),
            )
    for share in (0.25, 0.35, 0.5, 0.6, 0.75, 0.85, 1.0):
        yield f"mobilenet-v2-{share}", partial(mobilenet_v2, INPUT_SHAPE[0], CLASSES, share)
    for growth in (4, 8, 12, 16, 20, 24, 28):
        yield f"densenet28-{growth}", partial(DenseNet, growth, (4, 4, 4), 2 * growth, num_classes=CLASSES)


def program(name: str, build: Callable[[], nn.Module]) -> Program:
    """The network as a TorchScript program, made once, with the size of its ONNX file."""
    path = FOLDER / "programs" / f"{name}.pt"
    onnx = path.with_suffix(".onnx")
    if not onnx.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            script = torch.jit.trace(build().eval(), torch.zeros(2, *INPUT_SHAPE))  # type: ignore[no-untyped-call]
            script.save(str(path))
        export_network(script, onnx, INPUT_SHAPE, ExportSettings(opset=20, tolerance=1e-3, open_axes=[]))
    layers = count_layers(onnx)
    return Program(name, path, INPUT_SHAPE, network_size(sum_layers(layers, onnx.stat().st_size), layers))


def spread_share(observations: Sequence[WarmUpObservation], reference_per_s: float | None) -> float:
    """The median coefficient of variation of repeated measurements."""
    repeats = defaultdict(list)
    for one in observations:
        speed = one.reference_per_s / reference_per_s if reference_per_s else 1.0
        repeats[one.variant, one.batch].append(one.first_ms * speed)
    return statistics.median(statistics.stdev(times) / statistics.mean(times) for times in repeats.values())


def score_figures(found: dict[str, PredictionScore], kind: str) -> dict[str, Figure]:
    """Both errors of each model."""
    figures = {}
    for model, score in found.items():
        for error, share in (("cvrmse", score.cvrmse_share), ("mape", score.mape_share)):
            goal = f"to reach: {GOALS[error]}; " if model == "predictor" else ""
            figures[f"{error.upper()}, {model}, {kind}"] = Figure(share, "share", note=f"{goal}variants held out")
    return figures


def feature_figures(card: PredictorCard) -> dict[str, Figure]:
    """The most important features, and the feature that the paper found first."""
    ranked = sorted(card.features, key=lambda feature: -feature.permutation_share)
    switches = [feature for feature in ranked[SHOWN_FEATURES:] if feature.name == "involuntary_switches"]
    return {
        f"importance of {feature.name}": Figure(
            feature.permutation_share, "R²", note=f"lost by shuffling it; {feature.impurity_share:.3f} of the splits"
        )
        for feature in (*ranked[:SHOWN_FEATURES], *switches)
    }


def figures(table: Dataset, card: PredictorCard) -> dict[str, Figure]:
    over_warm = statistics.median(one.first_ms / one.warm_ms for one in table.observations)
    first_ms = (float(table.first_ms.min()), float(table.first_ms.max()))
    found = {
        "variants": Figure(len(set(table.variants)), "variants", note=f"in {len(card.folds)} folds, by variant"),
        "first inferences": Figure(
            len(table.observations), "observations", note=f"a row is the median of {table.repeats} fresh processes"
        ),
        "first inference": Figure(statistics.median(table.first_ms), "ms", first_ms, "median over rows, with range"),
        "first inference over a warm one": Figure(over_warm, "×", note="median over observations"),
        "spread of repeats, raw": Figure(spread_share(table.observations, None), "share", note="CV, median over rows"),
        "spread of repeats, drift-corrected": Figure(
            spread_share(table.observations, table.reference_per_s), "share", note="CV, median over rows"
        ),
    }
    raw = score_figures(scores(table, table.first_ms), "raw")
    return found | score_figures(card.scores, "drift-corrected") | raw | feature_figures(card)


def main() -> None:
    programs = [program(name, build) for name, build in family()]
    observations = FOLDER / "observations.jsonl"
    for done, wanted in collect(programs, BATCHES, REPEATS, Target(runtime="torch"), observations):
        print(f"\r{done} of {wanted} first inferences", end="", flush=True)
    print()
    table = tabulate(read_observations(observations))
    file, card = learn(table)
    save_predictor(FOLDER / "predictor", file, card)
    record("warm_up", figures(table, card))


if __name__ == "__main__":
    main()
