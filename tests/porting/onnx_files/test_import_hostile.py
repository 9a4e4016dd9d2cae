"""A foreign file that is imported, or profiled, changes nothing but the workspace and ends."""

import json
import time
from pathlib import Path

import hostile_onnx
import hostile_programs
import pytest
from support import Command, variant_records

from porting.configuration.settings import ExportSettings
from porting.onnx_files.foreign_program import export_foreign
from profiler.common.errors import ModelError
from profiler.runtimes.session import input_tensor, open_session
from profiler.trial.torch_file import vetted

pytestmark = pytest.mark.integration
SETTINGS = ExportSettings(opset=20, tolerance=1e-4, open_axes=[])
SHAPE = (3, 8, 8)
# Loading torch twice takes a busy machine long.
LIMIT_S = 120.0


@pytest.mark.parametrize(
    ("loading", "running", "says"),
    [
        ("from_file", "", "no readable TorchScript program"),
        (hostile_programs.ENDLESS, "pass", "s of processor time"),
        ("pass", hostile_programs.ENDLESS, "s of processor time"),
        ("pass", "x = x + torch.zeros([100000, 100000]).sum()", "MiB of memory"),
        ("pass", "x = x / 0 * 0", "answers NaN"),
    ],
)
def test_a_program_that_does_not_end_or_writes_is_refused(
    tmp_path: Path, loading: str, running: str, says: str
) -> None:
    loading = hostile_programs.writes(tmp_path / "written") if loading == "from_file" else loading
    path = hostile_programs.write(tmp_path / "p.pt", loading, running or "pass")
    start = time.monotonic()
    with pytest.raises(ModelError, match=says):
        export_foreign(path, tmp_path / "p.onnx", SHAPE, SETTINGS, path)
    assert time.monotonic() - start < LIMIT_S
    assert not (tmp_path / "written").exists()
    assert not (tmp_path / "p.onnx").exists()


@pytest.mark.parametrize(
    ("running", "says"),
    [
        (hostile_programs.exploding(3), "a batch of 3 takes .* MiB of memory where one input takes"),
        (
            f"{hostile_programs.UNCOUNTED}\n        {hostile_programs.exploding(6)}",
            "MiB of memory to answer a batch of 6",
        ),
    ],
)
def test_a_program_whose_memory_explodes_with_the_batch_is_not_served_by_torch(
    tmp_path: Path, running: str, says: str
) -> None:
    path = hostile_programs.write(tmp_path / "p.pt", running=running)
    with pytest.raises(ModelError, match=says):
        vetted(path, SHAPE)


def test_a_program_whose_memory_explodes_with_the_batch_is_not_imported(tmp_path: Path) -> None:
    path = hostile_programs.write(tmp_path / "p.pt", running=hostile_programs.exploding(3))
    with pytest.raises(ModelError, match=r"a batch of 3 takes|more than .* MiB of memory to be exported"):
        export_foreign(path, tmp_path / "p.onnx", SHAPE, SETTINGS, path)


def test_a_program_is_imported_with_open_axes(tmp_path: Path) -> None:
    path = hostile_programs.write(tmp_path / "p.pt", running="pass")
    opened = SETTINGS.model_copy(update={"open_axes": ["height", "width"]})
    assert export_foreign(path, tmp_path / "p.onnx", SHAPE, opened, path) == ""
    assert input_tensor(open_session(tmp_path / "p.onnx", 1)).shape == (3, -1, -1)


def test_a_program_that_may_write_is_imported_as_an_onnx_file_only(dnn_porting: Command, tmp_path: Path) -> None:
    saving = hostile_programs.saves(tmp_path / "written")
    path = hostile_programs.write(tmp_path / "p.pt", saving, f"if x.size(0) > 8: {saving}")
    run = dnn_porting(
        "stage=import", f"model={path}", "import.input_shape=[3,8,8]", f"workspace={tmp_path / 'w'}",
        "tracking.enabled=false",
    )  # fmt: skip
    assert run.code == 0, run.err
    assert not (tmp_path / "written").exists()
    (record,) = variant_records(tmp_path / "w").values()
    assert record["onnx"]["program_sha256"] is None
    assert "uses aten::save, which may do more than compute" in record["onnx"]["reasons"]["program_sha256"]
    assert not list(tmp_path.glob("w/tasks/*/variants/*/model.pt"))


def test_torch_serves_no_program_that_may_write(tmp_path: Path) -> None:
    path = hostile_programs.write(
        tmp_path / "p.pt", running=f"if x.size(0) > 2: {hostile_programs.saves(tmp_path / 'written')}"
    )
    with pytest.raises(ModelError, match=r"uses aten::save.*DNN_PORTING_TRUST=1"):
        vetted(path, SHAPE)
    assert not (tmp_path / "written").exists()


def test_a_hostile_onnx_file_is_refused_at_the_import(dnn_porting: Command, tmp_path: Path) -> None:
    path = hostile_onnx.endless(tmp_path / "endless.onnx")
    run = dnn_porting("stage=import", f"model={path}", f"workspace={tmp_path / 'w'}", "tracking.enabled=false")
    (line,) = run.err.splitlines()
    assert line.startswith(f"dnn-porting: {path}")
    assert run.code == 2
    assert not variant_records(tmp_path / "w")


def test_an_archive_that_is_none_is_refused_in_one_line(dnn_porting: Command, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(b"PK\x03\x04" + json.dumps({"a": 1}).encode() + b"PK\x05\x06" + bytes(18))
    run = dnn_porting("stage=import", f"model={path}", "datamodule=digits", f"workspace={tmp_path / 'w'}")
    assert run.code == 2
    assert len(run.err.splitlines()) == 1
