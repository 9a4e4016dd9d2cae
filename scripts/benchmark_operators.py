"""The latency of networks from the times of single operators: predicted and measured shares.

Usage: python scripts/benchmark_operators.py
"""

import copy
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import profiler  # isort: skip  # noqa: F401  # before ONNX Runtime, so that it does not report to its maker

import numpy as np
import onnxruntime as ort
import torch
from figures import Figure, record
from torch import nn

from backbones.densenet import densenet_bc
from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet20
from porting.configuration.settings import ExportSettings
from porting.onnx_files.onnx_export import export_network
from porting.pruners.channel_groups import channel_groups
from porting.pruners.criteria.gates import Taylor
from porting.pruners.dependency_graph import dependency_graph
from porting.pruners.engines.torch_pruning import TorchPruning
from porting.pruners.interface import Policy, Request
from porting.pruners.measured_costs import MeasuredCosts
from porting.pruners.policies import Uniform, WithinLatency
from profiler.common.target import Target
from profiler.runtimes.session import open_session
from profiler.system.machine import pinned, split_cores

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "ResNet-20 × 2": lambda: resnet20(3, 10, width=2),
    "DenseNet-BC 22, growth 16": lambda: densenet_bc(3, 10, depth=22, growth=16),
    "MobileNetV2": lambda: mobilenet_v2(3, 10, stem="cifar"),
}
BATCH, ROUNDS, SHARES, RATIOS = 16, 15, (0.75, 0.5), ((0.3, 1), (0.3, 8), (0.5, 8))
SHAPE = (3, 32, 32)
EXPORT = ExportSettings(opset=20, tolerance=1e-3, open_axes=[])


def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.randn(32, *SHAPE, generator=generator), torch.randint(10, (32,), generator=generator))]


def session(model: nn.Module, folder: Path) -> ort.InferenceSession:
    path = folder / "model.onnx"
    export_network(copy.deepcopy(model), path, SHAPE, EXPORT)
    return open_session(path, threads=1)


def networks(model: nn.Module, costs: MeasuredCosts, folder: Path) -> dict[str, tuple[ort.InferenceSession, float]]:
    """The whole network and the pruned ones, each with the share of the whole latency that the table predicts."""
    data = batches()
    groups = channel_groups(model, dependency_graph(model, data[0][0][:2]))
    cost, full = costs.of(model, groups, data[0][0][:2]), [group.width for group in groups]
    scores = Taylor().score(model, groups, data)
    policies: dict[str, Policy] = {f"latency {share:g}": WithinLatency(share, costs) for share in SHARES}
    policies |= {f"ratio {ratio:g} in {multiple}s": Uniform(ratio, multiple) for ratio, multiple in RATIOS}
    found = {"whole": (session(model, folder), 1.0)}
    for name, policy in policies.items():
        widths = policy.widths(model, groups, scores, data[0][0][:2])
        cut = TorchPruning(Taylor()).prune(copy.deepcopy(model), Request(policy, data))
        found[name] = session(cut, folder), cost.us(widths) / cost.us(full)
    return found


def shares(sessions: dict[str, tuple[ort.InferenceSession, float]]) -> dict[str, float]:
    """The measured share of each network; the networks run in turns."""
    images = np.random.default_rng(0).standard_normal((BATCH, *SHAPE), dtype=np.float32)
    seconds: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(ROUNDS):
        for name, (one, _) in sessions.items():
            start = time.perf_counter()
            one.run(None, {one.get_inputs()[0].name: images})
            seconds[name].append(time.perf_counter() - start)
    return {name: median(times) / median(seconds["whole"]) for name, times in seconds.items()}


def main() -> None:
    figures: dict[str, Figure] = {}
    cores, _ = split_cores(1)
    with tempfile.TemporaryDirectory() as first, pinned(cores):
        folder = Path(first)
        costs = MeasuredCosts(folder / "operators", Target(), BATCH, "fp32", 600)
        for name, build in NETWORKS.items():
            torch.manual_seed(0)
            model: nn.Module = build().eval()
            data = batches()[0][0][:2]
            start = time.perf_counter()
            costs.of(model, channel_groups(model, dependency_graph(model, data)), data)
            figures[f"{name}: measuring its operators"] = Figure(
                time.perf_counter() - start, "s", note="to reach: 600; operators of the networks above are known"
            )
            sessions = networks(model, costs, folder)
            for cut, share in shares(sessions).items():
                if cut != "whole":
                    predicted = sessions[cut][1]
                    figures[f"{name}, {cut}: measured share of latency over predicted"] = Figure(
                        share / predicted, "ratio", note=f"{share:.3f} measured, {predicted:.3f} predicted"
                    )
    record("operators", figures)


if __name__ == "__main__":
    main()
