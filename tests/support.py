"""What tests share that is no fixture: places, small settings, the command line, a small network."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

ROOT = Path(__file__).parent.parent
# Real data sets, which no repository holds.
SHARED_DATA = Path(os.environ.get("DNN_PORTING_DATA", ROOT.parent / "shared" / "data"))
CHANNELS, SIZE, CLASSES = 4, 8, 3
SHORT_SEARCH = [
    "profile.throughput.batches=[1,4]",
    "profile.throughput.max_concurrency=2",
    "profile.throughput.search_seconds=0.05",
    "profile.throughput.settle_seconds=0.2",
]
SMALL = [
    "train.epochs=2",
    "finetune.epochs=1",
    "prune.ratios=[0.5]",
    "backbone.width=0.5",
    "quantize.schemes=[u8s8]",
    "quantize.calibrations=[minmax]",
    # A busy machine must not leave points for the next run.
    "profile.budget_s=300",
    "profile.patience=1",
    "profile.disturbed=keep",
    "profile.visits.visits=2",
    "profile.visits.seconds=0.05",
    "profile.latency.batches=[1,4]",
    "profile.latency.seconds=0.05",
    "profile.layers.seconds=0.05",
    *SHORT_SEARCH,
    # Two loads of every variant, which take a server seconds to undo.
    "profile.warm_up=null",
]
# One variant and a short profile.
TINY = [
    "stage=[train,export,profile,publish]",
    "train.epochs=1",
    "backbone.width=0.5",
    "profile.budget_s=300",
    "profile.patience=1",
    "profile.disturbed=keep",
    "profile.visits.visits=2",
    "profile.visits.seconds=0.05",
    "profile.latency.batches=[1]",
    "profile.latency.seconds=0.05",
    "profile.layers.seconds=0.05",
    *SHORT_SEARCH,
    "profile.warm_up=null",
]
# A network and mounts of its own for a command.
NAMESPACES = ["unshare", "--net", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
WARM_UP = "profile.warm_up={loads: 1, batches: [1], curve_inferences: 30, switch_seconds: null}"


@dataclass(frozen=True)
class Run:
    """What a finished command printed."""

    code: int
    out: str
    err: str


Command = Callable[..., Run]


def command_line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "dnn_porting", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "240"}


def needs_namespaces() -> None:
    """Skips the test where the kernel gives a command no network and mounts of its own."""
    if not shutil.which("ip") or subprocess.run([*NAMESPACES, "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here: they need iproute2, and root or user namespaces")


def assert_accepts(check: Callable[..., object], *arguments: object) -> None:
    """The check, which returns nothing, raises nothing for these arguments."""
    assert check(*arguments) is None


def variant_records(workspace: Path) -> dict[str, Any]:
    """Every complete variant's record by name."""
    return {
        path.parent.name: json.loads(path.read_text()) for path in workspace.glob("tasks/*/variants/*/variant.json")
    }


def write_network(path: Path, batch: str | int = "batch", bias: float = 0.0, work: int = 1) -> Path:
    """Convolutions, a mean over the picture, a matrix product: (N, 1, 8, 8) to (N, 3)."""
    generator = np.random.default_rng(0)
    tensors = {
        "w0": generator.standard_normal((CHANNELS, 1, 3, 3)),
        "b0": generator.standard_normal(CHANNELS),
        "fc": generator.standard_normal((CLASSES, CHANNELS)),
        "fcb": np.full(CLASSES, bias),
    }
    nodes = [helper.make_node("Conv", ["input", "w0", "b0"], ["c0"], pads=[1, 1, 1, 1])]
    for layer in range(1, work):
        tensors[f"w{layer}"] = generator.standard_normal((CHANNELS, CHANNELS, 3, 3)) * 0.2
        nodes.append(helper.make_node("Conv", [f"c{layer - 1}", f"w{layer}"], [f"c{layer}"], pads=[1, 1, 1, 1]))
    nodes += [
        helper.make_node("GlobalAveragePool", [f"c{work - 1}"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "fc", "fcb"], ["logits"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 1, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, CLASSES])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tensors.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path
