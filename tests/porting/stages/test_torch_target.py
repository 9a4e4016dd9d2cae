"""A target with runtime=torch, through the pipeline: torch programs are measured, and the rest is left out."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support import SMALL, WARM_UP, Command, variant_records

from porting.repository import Repository
from porting.workspace.records import Variant
from porting.workspace.workspace import ONNX, PROGRAM, Workspace
from profiler.common.files import sha256

pytestmark = pytest.mark.integration
ON_TORCH = [*SMALL, WARM_UP, "tracking.enabled=false", "targets.local_cpu.runtime=torch"]
UNTRACEABLE = """
import torch
from torch import nn


class Untraceable(nn.Module):
    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.fc = nn.Linear(4 * in_channels, num_classes)

    def forward(self, x):
        if torch.jit.is_tracing():
            raise RuntimeError("nobody traces this")
        return self.fc(x.flatten(1))
"""
LEFT_OUT = "is left out on local_cpu: it has no torch program, it exists as an ONNX file only"


def copied(published: Path, workspace: Path) -> dict[str, Variant]:
    """The base network, profiled on Triton, and its int8 sibling in a workspace of their own."""
    chosen = [one for one in Workspace(published).variants("digits") if one.technique in ([], ["int8-u8s8"])]
    for variant in chosen:
        shutil.copytree(Workspace(published).folder(variant), Workspace(workspace).folder(variant))
    return {variant.onnx.precision: variant for variant in chosen if variant.onnx}


@pytest.fixture(scope="module")
def workspace(dnn_porting: Command, published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was measured on Triton, measured on torch under the same target's name, and published."""
    root = tmp_path_factory.mktemp("torch")
    copied(published, root)
    run = dnn_porting(*ON_TORCH, "stage=[profile,publish]", f"workspace={root}")
    assert run.code == 0, run.err
    (line,) = (line for line in run.out.splitlines() if LEFT_OUT in line)
    assert "int8" in line
    assert "profile   1 made, 0 reused" in run.out
    return root


def test_every_exported_network_has_a_program_and_no_int8_sibling_has(published: Path) -> None:
    records = variant_records(published)
    assert {"fp32", "int8"} <= {record["onnx"]["precision"] for record in records.values() if record["onnx"]}
    for name, record in records.items():
        path = published / "tasks/digits/variants" / name / PROGRAM
        if record["onnx"] is None or record["onnx"]["precision"] == "int8":
            assert not path.exists()
        else:
            assert sha256(path) == record["onnx"]["program_sha256"]


def test_the_profile_is_torch_s_and_says_which_torch(workspace: Path) -> None:
    (variant,) = Repository.load(workspace / "repository").variants
    assert variant.precision == "fp32"
    profile = Repository.load(workspace / "repository").details(variant.name).profiles["local_cpu"]
    best = profile.best_throughput()
    assert best is not None
    assert best.runtime == "torch"
    assert {point.runtime for point in (*profile.load_time, *profile.latency)} == {"torch"}
    assert profile.compute_latency_at(4) is not None
    assert (profile.fingerprint.runtime, profile.fingerprint.runtime_version) == ("torch", torch.__version__)


def test_what_was_measured_of_the_int8_sibling_on_another_runtime_does_not_stand_beside_it(workspace: Path) -> None:
    profiled = {variant.onnx.precision: Workspace(workspace).profiles(variant)
                for variant in Workspace(workspace).variants("digits") if variant.onnx}  # fmt: skip
    assert list(profiled["fp32"]) == ["local_cpu"]
    assert profiled["int8"] == {}


def test_the_published_repository_holds_no_program(workspace: Path) -> None:
    assert list((workspace / "repository").rglob("*.onnx"))
    assert not list((workspace / "repository").rglob("*.pt"))


def test_published_figures_of_torch_are_not_verified(dnn_porting: Command, workspace: Path) -> None:
    run = dnn_porting("verify", str(workspace / "repository"))
    assert run.code == 2
    assert "serves torch programs, which a repository does not hold" in run.err


def test_a_second_run_measures_nothing(dnn_porting: Command, workspace: Path) -> None:
    run = dnn_porting(*ON_TORCH, "stage=profile", f"workspace={workspace}")
    assert run.code == 0, run.err
    assert "profile   0 made, 1 reused" in run.out


def test_a_network_that_cannot_be_traced_is_exported_all_the_same_and_the_record_says_why(
    dnn_porting: Command, tmp_path: Path
) -> None:
    (tmp_path / "mine" / "backbone").mkdir(parents=True)
    (tmp_path / "mine" / "untraceable.py").write_text(UNTRACEABLE)
    (tmp_path / "mine/backbone/untraceable.yaml").write_text("name: untraceable\n_target_: untraceable.Untraceable\n")
    save_file({"fc.weight": torch.ones(3, 4), "fc.bias": torch.zeros(3)}, tmp_path / "net.safetensors")
    run = dnn_porting(
        "--config-dir", str(tmp_path / "mine"), "stage=[import,export,profile]", "backbone=untraceable",
        f"model={tmp_path / 'net.safetensors'}", "import.input_shape=[1,2,2]", "import.num_classes=3",
        f"workspace={tmp_path / 'w'}", "tracking.enabled=false", "targets.local_cpu.runtime=torch",
    )  # fmt: skip
    why = "it cannot be traced for input [1, 2, 2] of any batch size: nobody traces this"
    assert "export    1 made" in run.out
    assert run.code == 2
    assert why in run.err
    (record,) = variant_records(tmp_path / "w").values()
    assert record["onnx"]["program_sha256"] is None
    assert record["onnx"]["reasons"]["program_sha256"] == why
    assert {path.suffix for path in tmp_path.glob("w/tasks/*/variants/*/model.*")} == {".onnx", ".safetensors"}


def test_an_onnx_file_alone_is_refused_with_the_fix(dnn_porting: Command, published: Path, tmp_path: Path) -> None:
    variant = copied(published, tmp_path / "from")["fp32"]
    model = Workspace(tmp_path / "from").folder(variant) / ONNX
    run = dnn_porting(*ON_TORCH, f"model={model}", f"workspace={tmp_path / 'w'}")
    assert run.code == 2
    assert (
        "target local_cpu serves no exported variant (it has no torch program, it exists as an ONNX file only)"
        in run.err
    )
    assert "take runtime=triton or onnxruntime" in run.err
    assert len(run.err.strip().splitlines()) == 1
