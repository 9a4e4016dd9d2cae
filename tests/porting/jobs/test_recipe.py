"""The key of a recipe and the reuse by it: everything that decides a result is in the key."""

from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from full_profile import blank_profile

from porting.jobs.job import Job, Recipe
from porting.jobs.new_variant import VariantContent, job_of, make_variant, reused
from porting.workspace.records import Variant
from porting.workspace.workspace import MANIFEST, ONNX, PROGRAM, WEIGHTS, Workspace, network_digest
from profiler.common.errors import BadInputError, ModelError
from profiler.common.files import copied, json_digest, sealed, sha256, unsealed, write_record


def recipe(parent: Any = None, **changes: Any) -> Recipe:
    """A recipe for a pruned variant with some of its values changed."""
    values: dict[str, Any] = {
        "stage": "prune", "label": "taylor-50", "settings": {"ratio": 0.5}, "ingredients": {"data": "0" * 64},
        "packages": ("numpy",),
    }  # fmt: skip
    return Recipe.of(parent=parent, **values | changes)


def parent(digit: str = "a", name: str = "one") -> Any:
    """A variant with that key and name."""
    return SimpleNamespace(key=digit * 64, name=name)


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "finetune"},
        {"label": "l1-50"},
        {"parent": parent("b")},
        {"parent": None},
        {"settings": {"ratio": 0.6}},
        {"ingredients": {"data": "1" * 64}},
        {"packages": ("numpy", "onnx")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_value_that_decides_a_result_changes_the_key(change: dict[str, Any]) -> None:
    assert recipe(**{"parent": parent()} | change).key() != recipe(parent()).key()


def test_the_key_of_the_parent_counts_and_its_name_does_not() -> None:
    assert recipe(parent(name="two")).key() == recipe(parent(name="one")).key()


def test_the_order_of_settings_does_not_change_the_key() -> None:
    assert recipe(settings={"ratio": 0.5, "seed": 1}).key() == recipe(settings={"seed": 1, "ratio": 0.5}).key()


@pytest.mark.parametrize("package", ["numpy", "dnn-porting"])
def test_another_version_of_a_package_or_of_the_project_changes_the_key(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, installed = recipe().key(), version
    monkeypatch.setattr("profiler.common.version.version", lambda name: "99.0" if name == package else installed(name))
    assert recipe().key() != before


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_has_no_digest(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_digest({"a": value})


@pytest.fixture
def context(tmp_path: Path) -> Any:
    """The context of a run without data on an empty workspace."""
    workspace = Workspace(tmp_path)
    return SimpleNamespace(
        settings=SimpleNamespace(task="digits"),
        workspace=workspace,
        data=None,
        config="seed: 0\n",
        variant=lambda name: workspace.read(workspace.variants_folder("digits") / name),
    )


def made(context: Any, parent: Variant | None = None, chosen: dict[str, Any] | None = None, **changes: Any) -> Variant:
    """A new variant with an empty folder."""
    job = job_of(context, recipe(parent, **changes), parent, "resnet8")
    return make_variant(context, job, lambda folder, name: VariantContent(chosen=chosen or {}))


def test_a_result_is_reused_only_where_the_whole_key_is_the_same(context: Any) -> None:
    job = job_of(context, recipe(), None, "resnet8")
    assert reused(context, job) is None
    first = made(context)
    assert reused(context, job) == first
    # The name has eight digits of the key, and another key may begin with them.
    context.workspace.record(first.model_copy(update={"key": first.key[:8] + "0" * 56}))
    assert reused(context, job) is None


def test_a_job_without_a_recipe_has_no_result_to_reuse(context: Any) -> None:
    made(context)
    name = job_of(context, recipe(), None, "resnet8").variant
    with pytest.raises(ValueError, match=f"export {name} has no recipe"):
        reused(context, Job(stage="export", variant=name, inputs=[]))


def test_the_lineage_of_a_result_ends_with_its_own_step(context: Any) -> None:
    second = made(context, made(context), stage="finetune")
    assert [step.stage for step in second.lineage] == ["prune", "finetune"]


def test_the_step_on_record_has_the_settings_and_the_choices_of_the_stage(context: Any) -> None:
    step = made(context, chosen={"threshold": 0.1}).lineage[-1]
    assert step.settings == {"ratio": 0.5, "threshold": 0.1}


def test_a_job_has_the_labels_of_all_steps_in_its_name_and_its_parent_first_among_its_inputs(context: Any) -> None:
    first = made(context)
    job = job_of(context, recipe(first, label="tuned"), first, "resnet8", "teacher", first.name)
    assert job.variant.startswith("digits-resnet8-taylor-50-tuned-")
    assert job.inputs == [first.name, "teacher"]


def variant(workspace: Workspace, **records: Any) -> Any:
    """A variant with a folder, and the fields of its record that name its files."""
    one = SimpleNamespace(task="digits", name="digits-one", onnx=None, network=None, **records)
    workspace.variants_folder("digits").joinpath("digits-one").mkdir(parents=True)
    return one


@pytest.mark.parametrize("damaged", [ONNX, PROGRAM])
def test_a_changed_exported_file_is_refused(tmp_path: Path, damaged: str) -> None:
    workspace = Workspace(tmp_path)
    one = variant(workspace)
    folder = workspace.folder(one)
    for name in (ONNX, PROGRAM):
        (folder / name).write_bytes(name.encode())
    one.onnx = SimpleNamespace(sha256=sha256(folder / ONNX), program_sha256=sha256(folder / PROGRAM))
    workspace.check_files(one)
    (folder / damaged).write_bytes(b"other")
    with pytest.raises(ModelError, match=f"{damaged} is truncated or changed"):
        workspace.check_files(one)


@pytest.mark.parametrize("damaged", [WEIGHTS, MANIFEST])
def test_a_network_with_changed_weights_or_structure_is_refused(tmp_path: Path, damaged: str) -> None:
    workspace = Workspace(tmp_path)
    one = variant(workspace)
    folder = workspace.folder(one)
    for name in (WEIGHTS, MANIFEST):
        (folder / name).write_bytes(name.encode())
    one.network = SimpleNamespace(sha256=network_digest(folder))
    workspace.check_files(one)
    (folder / damaged).write_bytes(b"other")
    with pytest.raises(ModelError, match="is truncated or changed"):
        workspace.check_files(one)


def test_a_profile_of_another_exported_file_is_left_out(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    one = variant(workspace)
    one.onnx = SimpleNamespace(sha256="1" * 64)
    (workspace.folder(one) / "profiles").mkdir()
    for target, digits in (("here", "1"), ("there", "2")):
        profile = blank_profile(target_name=target, onnx_sha256=digits * 64)
        write_record(workspace.folder(one) / "profiles" / f"{target}.json", profile)
    assert list(workspace.profiles(one)) == ["here"]


def test_the_copy_of_a_file_that_changes_during_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    seen = sha256(tmp_path / "a")
    assert copied(tmp_path / "a", tmp_path / "b", "fix it", seen).read_bytes() == b"a"
    (tmp_path / "a").write_bytes(b"other")
    with pytest.raises(BadInputError, match="has been changed since this run began"):
        copied(tmp_path / "a", tmp_path / "c", "fix it", seen)


def test_a_record_with_a_changed_byte_is_refused() -> None:
    content = sealed('{\n"a": 1\n}').encode()
    assert unsealed(content, "record", "fix it") == b'{\n"a": 1\n}'
    with pytest.raises(BadInputError, match="is truncated, damaged or was changed"):
        unsealed(content.replace(b"1\n}", b"2\n}"), "record", "fix it")
