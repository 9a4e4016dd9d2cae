"""Damage at rest in a workspace: found in one line that names the file, or healed; never used, and never silent."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from full_profile import full_profile
from made_points import partly
from sealed import edit_index

from porting.commands import adopt
from porting.configuration.components import NamedComponent
from porting.configuration.settings import PublishSettings
from porting.jobs.context import Context
from porting.repository.schema import Accuracy, Step
from porting.stages.profile import Profiled
from porting.stages.profile_work import earlier_profiles
from porting.stages.publish import publish_workspace
from porting.workspace.records import Network, OnnxFile, Variant
from porting.workspace.workspace import Workspace, network_digest
from profiler.common.archives import packed
from profiler.common.ending import explained
from profiler.common.errors import DnnPortingError
from profiler.common.files import sha256
from profiler.common.profile_settings import LevelSettings
from profiler.common.target import Target
from profiler.records.profile_files import owner
from profiler.target.identity import profile_key

A, B, TARGET = "digits-resnet8-00000000", "digits-resnet8-11111111", "local_cpu"
SETTINGS = PublishSettings(merge_from=[], copy_to=[], mlflow_registry=False, sign=None, public_key=None)
NOTHING = LevelSettings.model_validate(
    {"level": "quick", "budget_s": 20}
    | dict.fromkeys(
        name
        for name, field in LevelSettings.model_fields.items()
        if field.is_required() and name not in ("level", "budget_s")
    )
)
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def made(workspace: Workspace, name: str, content: bytes) -> None:
    """A variant with every file that a stage leaves, whose networks are a few bytes."""
    with workspace.making("digits", name) as folder:
        for file in ("model.onnx", "model.pt", "model.safetensors", "manifest.json"):
            (folder / file).write_bytes(file.encode() + content * 100)
        (folder / "predictions.npz").write_bytes(packed({"example": np.full((1, 8, 8), content[0], np.float32)}))
        accuracy = Accuracy(dataset="d", dataset_sha256="0" * 64, split="val", n=9, value=0.5, low=0.4, high=0.6)
        onnx = partly(
            OnnxFile, key="0" * 64, sha256=sha256(folder / "model.onnx"), program_sha256=sha256(folder / "model.pt"),
            opset=20, precision="fp32", input={"name": "input", "shape": [1, 8, 8]},
            output={"name": "logits", "shape": [3]}, validation_accuracy=accuracy,
        )  # fmt: skip
        backbone = NamedComponent.model_validate({"_target_": "backbones.resnet.resnet8", "name": "resnet8"})
        network = Network(backbone=backbone, in_channels=1, num_classes=3, sha256=network_digest(folder))
        step = Step(stage="train", label="", key="0" * 64, settings={}, versions={}, seconds=1.0)
        variant = partly(
            Variant, task="digits", name=name, key="0" * 64, backbone="resnet8", lineage=[step], onnx=onnx,
            network=network, history=[],
        )  # fmt: skip
        workspace.record(variant, folder)
    profile = full_profile(onnx_sha256=onnx.sha256, measured_at=WHEN)
    workspace.profile_files(variant, TARGET).write(profile, {"latency": np.arange(9.0) + content[0]})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    found = Workspace(tmp_path / "artifacts")
    made(found, A, b"a")
    made(found, B, b"b")
    return found


def place(workspace: Workspace, name: str, file: str) -> Path:
    return workspace.variants_folder("digits") / name / file


def zeroed(path: Path, _: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def truncated(path: Path, _: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path: Path, _: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swapped(path: Path, other: Path) -> None:
    shutil.copy(other, path)


def deleted(path: Path, _: Path) -> None:
    path.unlink()


def linked(path: Path, _: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def a_folder(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


def a_fifo(path: Path, _: Path) -> None:
    path.unlink()
    os.mkfifo(path)


FAULTS: list[Callable[[Path, Path], None]] = [zeroed, truncated, flipped, swapped, deleted, linked, a_folder, a_fifo]
FILES = [
    "variant.json", "model.onnx", "model.pt", "model.safetensors", "manifest.json", "predictions.npz",
    "profiles/local_cpu.json",
]  # fmt: skip
# What is no damage, and what is said instead of being refused.
HARMLESS = {("predictions.npz", swapped), ("profiles/local_cpu.json", deleted)}


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(DnnPortingError) as caught:
        work()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_is_named_and_nothing_is_published(
    workspace: Workspace, file: str, fault: Callable[[Path, Path], None]
) -> None:
    path = place(workspace, A, file)
    fault(path, place(workspace, B, file))
    if (file, fault) in HARMLESS:
        publish_workspace(workspace, SETTINGS)
        return
    message = refusal(lambda: publish_workspace(workspace, SETTINGS))
    assert str(path.parent) in message
    assert "remove" in message or "put the folder" in message
    assert not (workspace.root / "repository").exists()


def test_another_figure_in_a_record_is_noticed(workspace: Workspace) -> None:
    for file, figure in (("profiles/local_cpu.json", b'"drift_sd_share":'), ("variant.json", b'"value":')):
        path = place(workspace, A, file)
        before = path.read_bytes()
        start = before.index(figure) + len(figure) + 1
        assert chr(before[start]) in "0123456789"
        path.write_bytes(before[:start] + b"8" + before[start + 1 :])
        assert f"{path} is truncated, damaged or was changed" in refusal(lambda: publish_workspace(workspace, SETTINGS))
        path.write_bytes(before)


def test_a_variant_under_another_name_or_task_is_refused(workspace: Workspace) -> None:
    folder = workspace.variants_folder("digits") / A
    shutil.copytree(folder, folder.with_name(f"{A}-copy"))
    assert f"{A}-copy/variant.json is that of {A}" in refusal(lambda: workspace.variants("digits"))
    shutil.copytree(workspace.root / "tasks" / "digits", workspace.root / "tasks" / "other")
    assert "tasks/other" in refusal(lambda: workspace.variants("other"))


@pytest.mark.parametrize("name", ["", "profiles", "samples"])
def test_nothing_is_read_or_written_through_a_linked_folder(workspace: Workspace, name: str, tmp_path: Path) -> None:
    place = workspace.variants_folder("digits") / A / name
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    assert f"{place} is a link" in refusal(lambda: workspace.variants("digits"))


def test_a_folder_without_its_record_is_no_silent_loss(workspace: Workspace) -> None:
    place(workspace, A, "variant.json").unlink()
    assert f"{A}/variant.json does not exist" in refusal(lambda: publish_workspace(workspace, SETTINGS))


def test_what_a_killed_writer_left_is_no_variant(workspace: Workspace) -> None:
    shutil.copytree(workspace.variants_folder("digits") / A, workspace.variants_folder("digits") / f".unfinished-{A}")
    assert [variant.name for variant in workspace.variants("digits")] == [A, B]


def test_a_profile_of_another_target_or_file_is_refused(workspace: Workspace) -> None:
    own = place(workspace, A, "profiles/local_cpu.json")
    shutil.copy(own, own.with_name("other.json"))
    assert "is a profile on target local_cpu" in refusal(lambda: publish_workspace(workspace, SETTINGS))
    own.with_name("other.json").unlink()
    shutil.copy(place(workspace, B, "profiles/local_cpu.json"), own)
    assert f"{own} is of another file than {A}" in refusal(lambda: publish_workspace(workspace, SETTINGS))


def test_a_repository_that_vouches_for_itself_alone_is_written_anew(workspace: Workspace) -> None:
    published, _ = publish_workspace(workspace, SETTINGS)
    assert publish_workspace(workspace, SETTINGS)[1]
    details = published.storage.local / A / "variant.json"
    forged = json.loads(details.read_text()) | {"backbone": "forged"}
    details.write_text(json.dumps(forged))
    digest = hashlib.sha256(details.read_bytes()).hexdigest()
    change = {"details_sha256": digest, "backbone": "forged"}
    edit_index(
        published.storage.local, lambda tree: [one.update(change) for one in tree["variants"] if one["name"] == A]
    )
    again, same = publish_workspace(workspace, SETTINGS)
    assert not same
    assert again.details(A).backbone != "forged"


def test_what_was_published_and_is_gone_is_said(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    publish_workspace(workspace, SETTINGS)
    assert "left out" not in capsys.readouterr().out
    place(workspace, A, "profiles/local_cpu.json").unlink()
    shutil.rmtree(workspace.variants_folder("digits") / B / "profiles")
    made(workspace, f"{A}-new", b"n")
    publish_workspace(workspace, SETTINGS)
    said = capsys.readouterr().out
    for name in (A, B):
        assert f"{name} is no longer published: neither the workspace nor publish.merge_from has a profile" in said
        assert f"{name} is left out: no profile of it" in said


@pytest.mark.parametrize("fault", [zeroed, truncated, flipped, linked, a_folder, a_fifo])
def test_damaged_samples_are_named_before_others_join_them(
    workspace: Workspace, fault: Callable[[Path, Path], None]
) -> None:
    (variant, _) = workspace.variants("digits")
    files = workspace.profile_files(variant, TARGET)
    fault(files.samples, files.samples)
    profile = files.read()
    assert profile is not None
    message = refusal(lambda: files.write(profile, {"more": np.ones(3)}))
    assert str(files.samples) in message
    assert "remove" in message


def test_samples_of_another_profile_do_not_join(workspace: Workspace) -> None:
    (variant, _) = workspace.variants("digits")
    files = workspace.profile_files(variant, TARGET)
    profile = files.read()
    assert profile is not None
    later = profile.model_copy(update={"measured_at": WHEN + timedelta(days=1)})
    files.write(later, {"more": np.ones(3)})
    whose, samples = files.read_samples()
    assert (whose, list(samples)) == (owner(later), ["more"])
    assert len(list(files.samples.parent.glob("replaced/*.npz"))) == 1


def carried(workspace: Workspace, **changes: object) -> Path:
    """A profile of A as it comes from another box, with its samples beside it."""
    (variant, _) = workspace.variants("digits")
    profile = workspace.profile_files(variant, TARGET).read()
    assert profile is not None
    path = workspace.root.parent / "box" / "profile.json"
    type(workspace.profile_files(variant, TARGET))(path, path.with_suffix(".npz")).write(
        profile.model_copy(update=changes), {"theirs": np.ones(2)}
    )
    return path


def adopted(workspace: Workspace, path: Path, *more: str) -> None:
    adopt.run([str(path), "--workspace", str(workspace.root), *more])


def everything(workspace: Workspace) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in workspace.root.rglob("*") if path.is_file() and path.name[0] != "."
    }


def test_an_older_profile_or_one_of_another_machine_is_not_adopted(workspace: Workspace) -> None:
    before = everything(workspace)
    older = carried(workspace, measured_at=WHEN - timedelta(days=1))
    assert "2025-12-31 00:00:00, before" in refusal(lambda: adopted(workspace, older))
    (variant, _) = workspace.variants("digits")
    there = workspace.profiles(variant)[TARGET].fingerprint
    other = carried(
        workspace,
        measured_at=WHEN + timedelta(days=1),
        fingerprint=there.model_copy(update={"cpu_model": "Cortex-A72"}),
    )
    message = refusal(lambda: adopted(workspace, other))
    assert "(cpu_model differ): adopt it under another name with --target NAME" in message
    assert everything(workspace) == before
    adopted(workspace, other, "--target", "arm")
    assert workspace.profiles(variant)["arm"].fingerprint.cpu_model == "Cortex-A72"


def test_an_adopted_profile_brings_its_samples_and_what_it_replaces_is_kept(workspace: Workspace) -> None:
    (variant, _) = workspace.variants("digits")
    files = workspace.profile_files(variant, TARGET)
    record, samples = files.record.read_bytes(), files.samples.read_bytes()
    adopted(workspace, carried(workspace, measured_at=WHEN + timedelta(days=1)))
    profile = files.read()
    assert profile is not None
    assert profile.adopted
    assert files.read_samples()[0] == owner(profile)
    assert list(files.read_samples()[1]) == ["theirs"]
    assert [path.read_bytes() for path in files.record.parent.glob("replaced/*")] == [record]
    assert [path.read_bytes() for path in files.samples.parent.glob("replaced/*")] == [samples]


def context_of(workspace: Workspace) -> Context:
    return Context(cast("Any", None), workspace, "", None, lambda *_: None, ExitStack())


def test_an_adopted_profile_is_nobody_s_normal_speed(workspace: Workspace) -> None:
    first, second = workspace.variants("digits")
    fingerprint = workspace.profiles(first)[TARGET].fingerprint
    adopted(workspace, carried(workspace, measured_at=WHEN + timedelta(days=1)))
    (found,) = earlier_profiles(context_of(workspace), TARGET, fingerprint)
    assert second.onnx is not None
    assert found.onnx_sha256 == second.onnx.sha256


def test_profiling_that_reuses_looks_at_the_file(workspace: Workspace) -> None:
    (variant, _) = workspace.variants("digits")
    assert variant.onnx is not None
    target = Target(runtime="onnxruntime")
    key = profile_key(variant.onnx.sha256, target)
    workspace.profile_files(variant, TARGET).write(
        full_profile(key=key, target=target, onnx_sha256=variant.onnx.sha256), {}
    )
    job = Profiled(context_of(workspace), TARGET, target, NOTHING, 1, variant, variant.onnx)
    assert job.reuse() == variant
    flipped(place(workspace, A, "model.onnx"), Path())
    assert "model.onnx is truncated or changed" in refusal(job.reuse)


def test_samples_that_belong_to_another_profile_are_not_adopted(workspace: Workspace) -> None:
    path = carried(workspace, measured_at=WHEN + timedelta(days=1))
    shutil.copy(place(workspace, B, "samples/local_cpu.npz"), path.with_suffix(".npz"))
    before = everything(workspace)
    assert "holds the samples of another profile" in refusal(lambda: adopted(workspace, path))
    assert everything(workspace) == before


def test_a_profile_is_not_written_where_the_workspace_was_before_it_was_moved(
    workspace: Workspace, tmp_path: Path
) -> None:
    variant = workspace.variants("digits")[0]
    files = workspace.profile_files(variant, TARGET)
    profile = files.read()
    assert profile is not None
    workspace.root.rename(tmp_path / "elsewhere")
    for samples in ({}, {"latency": np.ones(3)}):
        with pytest.raises(FileNotFoundError) as caught:
            files.write(profile, samples)
        line, _ = explained(caught.value)
        assert f"{workspace.root} does not exist: if it was moved, run the same command in its new place" in line
    assert not workspace.root.exists()
