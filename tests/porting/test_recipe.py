"""The key of a recipe, and what is reused by it: everything that decides a result is in the key."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from full_profile import blank_profile
from porting.jobs.recipe import Made, Recipe, derive

from porting import context as context_module
from porting.workspace.workspace import MANIFEST, ONNX, PROGRAM, WEIGHTS, Workspace, network_digest
from profiler.common.errors import BadInputError, ModelError
from profiler.common.files import copied, sha256, write_record
from profiler.common.folders import digest
from profiler.common.seal import sealed, unsealed

PARENT: Any = SimpleNamespace(key="a" * 64, name="one")
RECIPE = Recipe(
    stage="prune",
    label="taylor-50",
    parent=PARENT,
    settings={"ratio": 0.5},
    ingredients={"data": "0" * 64},
    packages=("numpy",),
)


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "finetune"},
        {"label": "l1-50"},
        {"parent": SimpleNamespace(key="b" * 64, name="one")},
        {"parent": None},
        {"settings": {"ratio": 0.6}},
        {"ingredients": {"data": "1" * 64}},
        {"packages": ("numpy", "onnx")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_decides_a_result_changes_its_key(change: dict[str, Any]) -> None:
    assert replace(RECIPE, **change).key() != RECIPE.key()


def test_a_parent_counts_by_its_key_and_not_by_its_name() -> None:
    renamed: Any = SimpleNamespace(key=PARENT.key, name="two")
    assert replace(RECIPE, parent=renamed).key() == RECIPE.key()


@pytest.mark.parametrize("package", ["numpy", "dnn-porting"])
def test_another_version_of_a_package_or_of_the_project_changes_the_key(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, known = RECIPE.key(), context_module.version
    monkeypatch.setattr(context_module, "version", lambda name: "99.0" if name == package else known(name))
    assert RECIPE.key() != before


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_json_has_not_has_no_digest(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest({"a": value})


@pytest.fixture
def context(tmp_path: Path) -> Any:
    """A run without data, on an empty workspace."""
    return SimpleNamespace(
        settings=SimpleNamespace(task="digits"), workspace=Workspace(tmp_path), data=None, config="seed: 0\n"
    )


def test_a_result_is_reused_where_the_whole_key_is_the_same(context: Any) -> None:
    job = derive(context, replace(RECIPE, parent=None), lambda folder, name: Made(), backbone="resnet8")
    assert job.reuse() is None
    made = job.run()
    assert job.reuse() == made
    # The name has eight digits of the key, which another key may share.
    context.workspace.record(made.model_copy(update={"key": made.key[:8] + "0" * 56}))
    assert job.reuse() is None


def test_a_result_s_lineage_ends_with_the_step_that_made_it(context: Any) -> None:
    first = derive(context, replace(RECIPE, parent=None), lambda folder, name: Made(), backbone="resnet8").run()
    second = derive(context, replace(RECIPE, parent=first, stage="finetune"), lambda folder, name: Made()).run()
    assert [step.stage for step in second.lineage] == ["prune", "finetune"]


def variant(workspace: Workspace, **records: Any) -> Any:
    """A variant with a folder; of its record what says which files it has."""
    one = SimpleNamespace(task="digits", name="digits-one", onnx=None, network=None, **records)
    workspace.variants_folder("digits").joinpath("digits-one").mkdir(parents=True)
    return one


@pytest.mark.parametrize("damaged", [ONNX, PROGRAM])
def test_an_exported_file_that_was_changed_is_not_taken(tmp_path: Path, damaged: str) -> None:
    workspace = Workspace(tmp_path)
    one = variant(workspace)
    folder = workspace.folder(one)
    for name in (ONNX, PROGRAM):
        (folder / name).write_bytes(name.encode())
    one.onnx = SimpleNamespace(sha256=sha256(folder / ONNX), program_sha256=sha256(folder / PROGRAM))
    assert workspace.check_files(one) is None
    (folder / damaged).write_bytes(b"other")
    with pytest.raises(ModelError, match=f"{damaged} is truncated or changed"):
        workspace.check_files(one)


@pytest.mark.parametrize("damaged", [WEIGHTS, MANIFEST])
def test_a_network_whose_weights_or_structure_were_changed_is_not_taken(tmp_path: Path, damaged: str) -> None:
    workspace = Workspace(tmp_path)
    one = variant(workspace)
    folder = workspace.folder(one)
    for name in (WEIGHTS, MANIFEST):
        (folder / name).write_bytes(name.encode())
    one.network = SimpleNamespace(sha256=network_digest(folder))
    assert workspace.check_files(one) is None
    (folder / damaged).write_bytes(b"other")
    with pytest.raises(ModelError, match="is truncated or changed"):
        workspace.check_files(one)


def test_a_profile_of_another_file_does_not_count(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    one = variant(workspace)
    one.onnx = SimpleNamespace(sha256="1" * 64)
    (workspace.folder(one) / "profiles").mkdir()
    for target, digits in (("here", "1"), ("there", "2")):
        profile = blank_profile(target_name=target, onnx_sha256=digits * 64)
        write_record(workspace.folder(one) / "profiles" / f"{target}.json", profile)
    assert list(workspace.profiles(one)) == ["here"]


def test_a_copy_of_a_file_that_has_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    seen = sha256(tmp_path / "a")
    assert copied(tmp_path / "a", tmp_path / "b", "fix it", seen).read_bytes() == b"a"
    (tmp_path / "a").write_bytes(b"other")
    with pytest.raises(BadInputError, match="has been changed since this run began"):
        copied(tmp_path / "a", tmp_path / "c", "fix it", seen)


def test_a_record_of_which_a_byte_was_changed_is_refused() -> None:
    content = sealed('{\n"a": 1\n}').encode()
    assert unsealed(content, "record", "fix it") == b'{\n"a": 1\n}'
    with pytest.raises(BadInputError, match="is truncated, damaged or was changed"):
        unsealed(content.replace(b"1\n}", b"2\n}"), "record", "fix it")
