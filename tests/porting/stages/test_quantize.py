"""The stage: which siblings a file gets, what decides their keys, and what is on record of them."""

import json
import platform
from contextlib import ExitStack
from pathlib import Path

import onnx
import pytest
from support import variant_records
from unfinished import unfinished

from porting.configuration.components import NamedComponent
from porting.configuration.settings import QuantizeSettings, Settings
from porting.jobs.context import Context
from porting.onnx_files.quantization import int8_format
from porting.onnx_files.quantization.int8_candidate import Int8Candidate
from porting.onnx_files.quantization.int8_format import Int8Format
from porting.stages.quantize import jobs
from porting.stages.quantize_work import warn_of_lost_accuracy
from porting.workspace.data import Data
from porting.workspace.records import Variant
from porting.workspace.workspace import Workspace

pytestmark = pytest.mark.integration
USUAL = {
    "schemes": ["u8s8", "s8s8"],
    "calibrations": ["minmax", "percentile"],
    "calibration_images": 32,
    "max_loss": 0.01,
    "fp16": False,
}


@pytest.fixture(scope="module")
def data() -> Data:
    return Data(NamedComponent.model_validate({"_target_": "datamodules.digits.Digits", "name": "digits"}))


def titles(workspace: Path, data: Data, **changed: object) -> list[str]:
    """The jobs for the base network; a title holds the variant's name, and that its key."""
    settings = QuantizeSettings.model_validate(USUAL | changed)
    base = next(variant for variant in Workspace(workspace).variants("digits") if variant.stage == "train")
    with ExitStack() as stack:
        run = unfinished(Settings, task="digits", quantize=settings)
        context = Context(run, Workspace(workspace), "", data, lambda *_: None, stack)
        return [job.title.rpartition(base.name[:-9])[2] for job in jobs(context, [base])]


def test_every_scheme_is_a_sibling_and_fp16_where_it_is_asked_for(published: Path, data: Data) -> None:
    labels = [title.rpartition("-")[0] for title in titles(published, data, fp16=True)]
    assert labels == ["-int8-u8s8", "-int8-s8s8", "-fp16"]
    assert titles(published, data, fp16=True)[:2] == titles(published, data)


@pytest.mark.parametrize(
    "changed",
    [
        {"calibrations": ["minmax"]},
        {"calibrations": ["percentile", "minmax"]},
        {"calibration_images": 33},
        {"max_loss": 0.02},
    ],
    ids=str,
)
def test_every_setting_changes_the_key(published: Path, data: Data, changed: dict[str, object]) -> None:
    assert not set(titles(published, data, **changed)) & set(titles(published, data))


def test_another_scheme_leaves_the_key_of_the_first(published: Path, data: Data) -> None:
    assert titles(published, data, schemes=["u8s8"]) == titles(published, data)[:1]


def test_the_processor_s_weight_range_changes_the_key(
    published: Path, data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    found = []
    for flags in ("avx2", "avx2 avx_vnni"):
        (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
        monkeypatch.setattr(int8_format, "CPUINFO", tmp_path / "cpuinfo")
        found.append(set(titles(published, data)))
    assert not found[0] & found[1]


def test_the_record_says_how_a_file_was_made_and_the_file_what_was_chosen(published: Path) -> None:
    steps = {name: record["lineage"][-1] for name, record in variant_records(published).items()}
    assert "quantize" in {step["stage"] for step in steps.values()}
    for name, step in steps.items():
        if step["stage"] == "quantize":
            assert step["label"] == f"int8-{step['settings']['scheme']}"
            assert (
                step["settings"]["reduce_range"]
                == int8_format.int8_format_here(step["settings"]["scheme"]).reduce_range
            )
            model = onnx.load(published / "tasks" / "digits" / "variants" / name / "model.onnx")
            chosen = json.loads({entry.key: entry.value for entry in model.metadata_props}["quantization"])
            assert chosen["calibration"] in step["settings"]["calibrations"]
            assert chosen["scheme"] == step["settings"]["scheme"]
            assert chosen["loss"] == step["settings"]["loss"] < 1


@pytest.mark.parametrize(("loss", "said"), [(0.01, ""), (0.0312, "loses 0.0312 of validation accuracy with 1 nodes")])
def test_a_loss_above_what_was_allowed_is_said(loss: float, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = Int8Candidate(Path(), Int8Format("u8s8", True), "minmax", ("Conv_0",), loss, useless=False)
    warn_of_lost_accuracy(unfinished(Variant, name="digits-net"), chosen, 0.01)
    out = capsys.readouterr().out
    assert said in out
    assert bool(said) == ("quantize.max_loss=0.01 is not met" in out)
