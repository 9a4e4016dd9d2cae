"""What exists already enters: ONNX, TorchScript and checkpoints, with accuracy only where it is measured."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support import Command, variant_records

from porting.networks.store import load_network
from porting.repository import Repository
from porting.stages.import_model import kind_of
from porting.workspace.records import Variant
from porting.workspace.workspace import Workspace
from profiler.common.files import sha256

pytestmark = pytest.mark.integration
QUICK = [
    "tracking.enabled=false",
    "targets.local_cpu.runtime=onnxruntime",
    "quantize.schemes=[u8s8]",
    "quantize.calibrations=[minmax]",
    "profile.latency.batches=[1]",
    "profile.throughput.batches=[4]",
    "profile.latency.seconds=0.02",
    "profile.throughput.search_seconds=0.05",
    "profile.throughput.settle_seconds=0.2",
]


@pytest.fixture
def base(published: Path) -> Variant:
    """The trained base network of the published workspace."""
    return next(variant for variant in Workspace(published).variants("digits") if variant.stage == "train")


@pytest.fixture
def folder(published: Path, base: Variant) -> Path:
    return Workspace(published).folder(base)


def test_an_onnx_file_without_data_is_profiled_and_published_with_unknown_accuracy(
    dnn_porting: Command, folder: Path, tmp_path: Path
) -> None:
    run = dnn_porting(f"model={folder / 'model.onnx'}", f"workspace={tmp_path}", *QUICK)
    assert run.code == 0, run.err
    assert "quantize  skipped: it needs data" in run.out
    (record,) = variant_records(tmp_path).values()
    assert record["onnx"]["validation_accuracy"] is None
    assert "no datamodule" in record["onnx"]["reasons"]["validation_accuracy"]
    (variant,) = Repository.load(tmp_path / "repository").variants
    assert variant.task == "model"
    assert variant.validation_accuracy is None
    assert "accuracy is unknown" in run.out or "throughput has no rank" in run.out


def test_an_onnx_file_with_data_has_the_accuracy_that_is_measured_on_halves_of_the_test_pictures(
    dnn_porting: Command, folder: Path, base: Variant, tmp_path: Path
) -> None:
    run = dnn_porting(f"model={folder / 'model.onnx'}", "datamodule=digits", f"workspace={tmp_path}", *QUICK)
    assert run.code == 0, run.err
    assert run.out.count("datamodule.val_from=test, as model= imports a network") == 1
    records = variant_records(tmp_path)
    assert sorted(record["onnx"]["precision"] for record in records.values()) == ["fp32", "int8"]
    fp32 = next(record for record in records.values() if record["onnx"]["precision"] == "fp32")
    assert base.onnx is not None
    assert base.onnx.test_accuracy is not None
    halves = [fp32["onnx"][f"{split}_accuracy"] for split in ("validation", "test")]
    whole = base.onnx.test_accuracy
    assert sum(half["n"] for half in halves) == whole.n
    assert sum(half["n"] * half["value"] for half in halves) == pytest.approx(whole.n * whole.value)
    assert fp32["onnx"]["test_accuracy"]["dataset_sha256"] != whole.dataset_sha256
    assert fp32["onnx"]["sha256"] == base.onnx.sha256
    later = dnn_porting("stage=quantize", f"workspace={tmp_path}", "quantize.fp16=true", *QUICK)
    assert later.code == 0, later.err
    assert "datamodule.val_from=test, as the run that made digits-" in later.out
    digests = {one["onnx"]["validation_accuracy"]["dataset_sha256"] for one in variant_records(tmp_path).values()}
    assert len(digests) == 1


def test_a_torchscript_file_is_exported_and_measured(
    dnn_porting: Command, folder: Path, base: Variant, tmp_path: Path
) -> None:
    assert base.network is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(load_network(base.network, folder, base.network.backbone)), tmp_path / "net.pt")
    assert kind_of(tmp_path / "net.pt") == "torchscript"
    arguments = ["stage=import", f"model={tmp_path / 'net.pt'}", f"workspace={tmp_path / 'w'}", *QUICK]
    run = dnn_porting(*arguments, "datamodule=digits", "datamodule.val_from=train")
    assert run.code == 0, run.err
    (record,) = variant_records(tmp_path / "w").values()
    assert base.onnx is not None
    assert base.onnx.test_accuracy is not None
    assert record["onnx"]["test_accuracy"]["value"] == base.onnx.test_accuracy.value
    assert record["onnx"]["program_sha256"] == sha256(tmp_path / "net.pt")
    (program,) = tmp_path.glob("w/tasks/*/variants/*/model.pt")
    assert program.read_bytes() == (tmp_path / "net.pt").read_bytes()
    unknown = dnn_porting(*arguments)
    assert unknown.code == 2
    assert "import.input_shape=[C,H,W]" in unknown.err


@pytest.mark.parametrize("form", ["state_dict", "lightning", "safetensors"])
def test_a_checkpoint_becomes_a_network_that_can_be_pruned(
    dnn_porting: Command, folder: Path, base: Variant, tmp_path: Path, form: str
) -> None:
    assert base.network is not None
    weights = load_network(base.network, folder, base.network.backbone).state_dict()
    path = tmp_path / ("net.safetensors" if form == "safetensors" else "net.pt")
    if form == "safetensors":
        path.write_bytes((folder / "model.safetensors").read_bytes())
    elif form == "lightning":
        torch.save({"state_dict": {f"model.{name}": value for name, value in weights.items()}, "epoch": 3}, path)
    else:
        torch.save(weights, path)
    stages = "[import,prune]" if form == "state_dict" else "import"
    run = dnn_porting(
        f"stage={stages}", f"model={path}", "datamodule=digits", "backbone.width=0.5", "pruner=l1",
        "prune.ratios=[0.5]", f"workspace={tmp_path / 'w'}", *QUICK,
    )  # fmt: skip
    assert run.code == 0, run.err
    variants = Workspace(tmp_path / "w").variants("digits")
    imported = next(variant for variant in variants if variant.stage == "import")
    assert imported.network is not None
    folder = Workspace(tmp_path / "w").folder(imported)
    again = load_network(imported.network, folder, imported.network.backbone).state_dict()
    assert all(torch.equal(again[name], value) for name, value in weights.items())
    assert len(variants) == (2 if form == "state_dict" else 1)


def test_a_checkpoint_of_another_backbone_is_refused(
    dnn_porting: Command, folder: Path, base: Variant, tmp_path: Path
) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes((folder / "model.safetensors").read_bytes())
    run = dnn_porting(
        "stage=import", f"model={path}", "datamodule=digits", "backbone=resnet20", f"workspace={tmp_path / 'w'}", *QUICK
    )
    assert run.code == 2
    assert "does not fit the backbone" in run.err


def test_a_pickle_is_never_opened(dnn_porting: Command, tmp_path: Path) -> None:
    marker = tmp_path / "executed"

    class Evil:
        def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
            return (Path.touch, (marker,))

    torch.save({"state_dict": Evil()}, tmp_path / "net.pt")
    run = dnn_porting(
        "stage=import", f"model={tmp_path / 'net.pt'}", "datamodule=digits", f"workspace={tmp_path / 'w'}", *QUICK
    )
    assert run.code == 2
    assert not marker.exists()
