"""First inferences of network families, and the errors of the predictor on other variants and other backbones.

python scripts/benchmark_warm_up.py                                     # 35 networks in torch, recorded
python scripts/benchmark_warm_up.py --runtime onnxruntime --widths 2 --loads 6   # a short try, printed only
"""

import os

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # torch reads it during its import

import argparse
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from figures import ROOT, Figure, record
from torch import nn
from torchvision.models import DenseNet
from torchvision.models.resnet import BasicBlock

from backbones.mobilenet import mobilenet_v2
from backbones.resnet import ResNet
from porting.configuration.settings import ExportSettings
from porting.networks.program import write_program
from porting.onnx_files.onnx_export import export_network
from profiler.common.archives import Samples
from profiler.common.profile_settings import LevelSettings, ThroughputSettings, WarmUpSettings
from profiler.common.target import Target
from profiler.profiling import profile_file
from profiler.records.profile import Profile
from profiler.records.profile_files import ProfileFiles
from profiler.records.warm_up import Quantity
from profiler.target.prepared_target import PreparedTarget, prepared_target
from profiler.warm_up.dataset import TIMES, Measured
from profiler.warm_up.feature_choice import select
from profiler.warm_up.predictor import Errors
from profiler.warm_up.training import train

FOLDER = ROOT / "artifacts" / "warm_up_benchmark"
INPUT_SHAPE, CLASSES = (3, 32, 32), 10
SETTINGS = ExportSettings(opset=20, tolerance=1e-3, open_axes=[])
BATCHES = [1, 2, 4, 8, 16, 32]
GOALS = {"by_backbone": (0.22, 0.125), "by_variant": (0.15, 0.08)}
SHOWN_FEATURES = 15


def family(widths: int) -> Iterator[tuple[str, str, Callable[[], nn.Module]]]:
    """Variants with their backbones: five backbones, each from narrow to wide."""
    for depth, blocks in ((8, 1), (20, 3), (32, 5)):
        for width in (8, 12, 16, 20, 24, 28, 32)[:widths]:
            build = partial(ResNet, INPUT_SHAPE[0], CLASSES, BasicBlock, (blocks,) * 3, width, "cifar")
            yield f"resnet{depth}-{width}", f"resnet{depth}", build
    for share in (0.25, 0.35, 0.5, 0.6, 0.75, 0.85, 1.0)[:widths]:
        yield f"mobilenet-v2-{share}", "mobilenet-v2", partial(mobilenet_v2, INPUT_SHAPE[0], CLASSES, share)
    for growth in (4, 8, 12, 16, 20, 24, 28)[:widths]:
        build = partial(DenseNet, growth, (4, 4, 4), 2 * growth, num_classes=CLASSES)
        yield f"densenet28-{growth}", "densenet28", build


def network(name: str, build: Callable[[], nn.Module]) -> Path:
    """The network as an ONNX file with its TorchScript program beside it, made once."""
    onnx = FOLDER / name / "model.onnx"
    if not onnx.exists():
        onnx.parent.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        model = build().eval()
        write_program(model, onnx.with_suffix(".pt"), INPUT_SHAPE, SETTINGS.tolerance)
        export_network(model, onnx, INPUT_SHAPE, SETTINGS)
    return onnx


def level(loads: int) -> LevelSettings:
    """The warm-up at all batches, beside one short throughput that every profile has."""
    throughput = ThroughputSettings(batches=[1], max_concurrency=1, search_seconds=0.2, settle_seconds=0.5)
    warm_up = WarmUpSettings(loads=loads, batches=BATCHES, curve_inferences=1, switch_seconds=None)
    only = LevelSettings.of_throughput(throughput, budget_s=600)
    return only.model_copy(update={"level": "full", "monitor": True, "patience": 2.0, "warm_up": warm_up})


def measured(ready: PreparedTarget, path: Path, settings: LevelSettings) -> tuple[Profile, Samples]:
    """The profile and the samples of a network; an earlier run is continued."""
    files = ProfileFiles(path.with_name(f"{ready.name}.json"), path.with_name(f"{ready.name}.npz"))
    profile = profile_file(ready, path, settings, files.read(), files.write, lambda _: None)
    return profile, files.read_samples()[1]


def error_figures(of: str, found: Errors) -> Iterator[tuple[str, Figure]]:
    """Both errors of a model by variant and by backbone, with the goal."""
    for by, goals in GOALS.items():
        score = getattr(found, by)
        for name, goal in zip(("cvrmse_share", "mape_share"), goals, strict=True):
            if score is not None:
                note = f"{by.removeprefix('by_')}s held out; to reach: {goal}"
                yield (
                    f"{name.removesuffix('_share').upper()}, {of}, {by}",
                    Figure(getattr(score, name), "share", note=note),
                )


def figures(everything: list[tuple[Measured, Samples]]) -> dict[str, Figure]:
    """The errors of the predictor of each quantity, and the choice of the monitor's features."""
    found: dict[str, Figure] = {"variants": Figure(len(everything), "variants", note="of five backbones")}
    quantities: list[Quantity] = list(TIMES)
    for quantity in quantities:
        predictor = train([one for one, _ in everything], quantity)
        found[f"rows, {quantity}"] = Figure(predictor.rows, "rows", note="each the median over its loads")
        for model, errors in predictor.errors.items():
            found |= dict(error_figures(f"{quantity}, {model}", errors))
    chosen = select(everything)
    for name in list(chosen.importance)[:SHOWN_FEATURES]:
        found[f"importance of {name}"] = Figure(chosen.importance[name], "share", note="of the splits of the forest")
    for features, errors in chosen.errors.items():
        found |= dict(error_figures(f"each first inference, forest of {features} features", errors))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runtime", choices=("torch", "onnxruntime", "triton"), default="torch")
    parser.add_argument("--widths", type=int, default=7, help="the widths of each backbone")
    parser.add_argument("--loads", type=int, default=5 * len(BATCHES))
    options = parser.parse_args()
    settings, everything = level(options.loads), []
    with prepared_target(f"warm_up_{options.runtime}", Target(runtime=options.runtime)) as ready:
        for name, backbone, build in family(options.widths):
            profile, samples = measured(ready, network(name, build), settings)
            everything.append((Measured(name, backbone, profile), samples))
            print(name, flush=True)
    found = figures(everything)
    if options.runtime == parser.get_default("runtime") and options.widths == parser.get_default("widths"):
        record("warm_up", found)
    else:
        print(json.dumps({name: figure.value for name, figure in found.items()}, indent=1))


if __name__ == "__main__":
    main()
