"""Whoever uses the files of a published repository gets those that were published, or a line."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from file_damages import DAMAGES
from full_profile import full_profile, item
from sealed import edit_index
from support import CLASSES, SIZE, write_network

from orchestrators.live.catalogue import of
from porting.commands.verify import chosen
from porting.repository import Repository
from porting.repository.formats import FORMATS, Conversion
from porting.repository.integrity import check_whole, is_whole, published_rules
from porting.repository.publishing.offers import offered_by
from porting.repository.publishing.upload import upload
from porting.repository.publishing.writer import publish
from porting.repository.schema import TensorSpec
from porting.repository.serving_folder import lay_out
from porting.repository.variant_files import VariantFiles
from profiler.common.errors import BadInputError
from profiler.common.files import sha256
from profiler.triton.lint import lint

A, B, TARGET, TASK = "digits-a", "digits-b", "local_cpu", "digits"
FILES = ["1/model.onnx", "config.pbtxt", f"configs/{TARGET}.pbtxt", "labels.txt", "warmup/example", "variant.json"]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two variants with every kind of file."""
    folder, items = tmp_path_factory.mktemp("original"), []
    for name, accuracy, bias in ((A, 0.9, 1.0), (B, 0.9, 2.0)):
        made = item(name, full_profile(), folder, accuracy, labels=[f"{name}-{number}" for number in range(CLASSES)])
        digest = sha256(write_network(made.onnx, bias=bias))
        profile = made.details.profiles[TARGET].model_copy(update={"onnx_sha256": digest})
        changes = {
            "onnx_sha256": digest,
            "profiles": {TARGET: profile},
            "input": TensorSpec(name="input", shape=[1, SIZE, SIZE]),
            "output": TensorSpec(name="logits", shape=[CLASSES]),
        }
        example = np.full((1, SIZE, SIZE), bias, np.float32)
        items.append(replace(made, details=made.details.model_copy(update=changes), example=example))
    return publish(folder / "published", items).storage.local


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "repository")


def use_serve(folder: Path, out: Path) -> None:
    repository = Repository.load(folder)
    lay_out(repository, list(repository.by_name), TARGET, out)


def use_orchestrate(folder: Path, out: Path) -> None:
    for name in (A, B):
        of(Repository.load(folder), TARGET, TASK, name)


def use_verify(folder: Path, out: Path) -> None:
    try:
        chosen(Repository.load(folder), TARGET, 2, None)
    except BadInputError as error:
        # All that is wrong with a made-up profile.
        if "verify it there" not in str(error):
            raise


def use_lint(folder: Path, out: Path) -> None:
    for finding in lint(folder, published_rules(folder)):
        if finding.severity == "error":
            raise BadInputError(str(finding))


def use_others(folder: Path, out: Path) -> None:
    offered_by(Repository.load(folder), out)


def use_convert(folder: Path, out: Path) -> None:
    FORMATS["kserve"](Conversion(Repository.load(folder), TARGET, storage_uri="s3://bucket"))


def use_upload(folder: Path, out: Path) -> None:
    upload(folder, "memory://store")


def use_registry(folder: Path, out: Path) -> None:
    repository = Repository.load(folder)
    check_whole(repository)
    for variant in repository.variants:
        files = VariantFiles.of(repository, variant.name)
        files.read(files.model)


def use_publish(folder: Path, out: Path) -> None:
    if not is_whole(Repository.load(folder)):
        raise BadInputError("it is published anew")


CONSUMERS: dict[str, Callable[[Path, Path], None]] = {
    name.removeprefix("use_"): work for name, work in list(globals().items()) if name.startswith("use_")
}


@pytest.fixture
def use(folder: Path, tmp_path: Path) -> Callable[[str], None]:
    def consume(consumer: str) -> None:
        (tmp_path / "out").mkdir(exist_ok=True)
        CONSUMERS[consumer](folder, tmp_path / "out")

    return consume


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(BadInputError) as caught:
        work()
    assert str(caught.value).isprintable()
    return str(caught.value)


def is_refused(work: Callable[[], object]) -> bool:
    try:
        work()
    except BadInputError:
        return True
    return False


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_repository_as_it_was_published_is_used(use: Callable[[str], None], consumer: str) -> None:
    assert not is_refused(lambda: use(consumer))


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_is_refused_by_whoever_uses_it(
    folder: Path, original: Path, use: Callable[[str], None], consumer: str, file: str
) -> None:
    path = folder / A / file
    assert DAMAGES
    for damage in DAMAGES.values():
        damage(path)
        refusal(lambda: use(consumer))
        shutil.rmtree(folder)
        shutil.copytree(original, folder)


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("file", ["1/model.onnx", "labels.txt", "warmup/example", "variant.json"])
def test_the_file_of_another_variant_is_refused_by_whoever_uses_it(
    folder: Path, use: Callable[[str], None], consumer: str, file: str
) -> None:
    shutil.copyfile(folder / B / file, folder / A / file)
    refusal(lambda: use(consumer))


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize(
    "file", ["1/model.py", "2/model.onnx", ".hidden", "warmup/other", "libtriton_onnxruntime.so", "3/", "a\x1b[2J\nb"]
)
def test_a_file_that_was_not_published_is_refused_by_whoever_uses_the_folder(
    folder: Path, use: Callable[[str], None], consumer: str, file: str
) -> None:
    path = folder / A / file
    if file.endswith("/"):
        path.mkdir()
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text("import os")
    refusal(lambda: use(consumer))


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_folder_that_is_a_link_is_refused(
    folder: Path, tmp_path: Path, use: Callable[[str], None], consumer: str
) -> None:
    shutil.move(folder / A, tmp_path / "moved")
    (folder / A).symlink_to(tmp_path / "moved")
    refusal(lambda: use(consumer))


def test_what_lies_beside_the_variants_is_held_against_the_index(folder: Path, original: Path) -> None:
    for name in ("report.html", "frontier.png", "repository.schema.json"):
        for damage in ("truncated", "zeroed", "flipped", "deleted", "folder", "pipe"):
            DAMAGES[damage](folder / name)
            assert not is_whole(Repository.load(folder)), (name, damage)
            shutil.rmtree(folder)
            shutil.copytree(original, folder)
    (folder / "more").mkdir()
    assert "holds 'more/', which was not published" in refusal(lambda: check_whole(Repository.load(folder)))


def forge(folder: Path, change: Callable[[Path, dict[str, str]], None]) -> None:
    """A repository of somebody who knows how it is written: other files, with digests that are right."""
    path = folder / A / "variant.json"
    details = json.loads(path.read_text())
    change(folder / A, details["files"])
    for file in details["files"]:
        details["files"][file] = sha256(folder / A / file)
    path.write_text(json.dumps(details))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edit_index(folder, lambda tree: tree["variants"][0].__setitem__("details_sha256", digest))


def python_backend(home: Path, files: dict[str, str]) -> None:
    for name in ("config.pbtxt", f"configs/{TARGET}.pbtxt"):
        text = (home / name).read_text()
        (home / name).write_text(text.replace('backend: "onnxruntime"', 'backend: "python"'))
    (home / "1" / "model.py").write_text("import os\n")
    files["1/model.py"] = ""


def environment(home: Path, files: dict[str, str]) -> None:
    with (home / "config.pbtxt").open("a") as file:
        file.write('parameters { key: "EXECUTION_ENV_PATH" value { string_value: "/tmp/env.tar.gz" } }\n')


def other_labels(home: Path, files: dict[str, str]) -> None:
    (home / "labels.txt").write_text("other\n" * CLASSES)


def another_model(home: Path, files: dict[str, str]) -> None:
    (home / "1" / "model.onnx").write_bytes(b"another")


def short_example(home: Path, files: dict[str, str]) -> None:
    (home / "warmup" / "example").write_bytes(b"odd")


def later_version(home: Path, files: dict[str, str]) -> None:
    (home / "9").mkdir()
    (home / "9" / "model.onnx").write_bytes(b"")
    files["9/model.onnx"] = ""


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize(
    "change", [python_backend, environment, other_labels, another_model, short_example, later_version]
)
def test_a_forged_repository_whose_digests_are_right_is_refused(
    folder: Path, use: Callable[[str], None], consumer: str, change: Callable[[Path, dict[str, str]], None]
) -> None:
    forge(folder, change)
    refusal(lambda: use(consumer))


def test_what_is_laid_out_has_safe_names_and_the_settings_of_the_target(folder: Path, tmp_path: Path) -> None:
    odd = folder.rename(tmp_path / "a $(touch x) b")
    lay_out(Repository.load(odd), [A], TARGET, tmp_path / "served")
    found = {path.relative_to(tmp_path / "served").as_posix() for path in (tmp_path / "served").rglob("*")}
    assert found == {A, f"{A}/1", f"{A}/1/model.onnx", f"{A}/config.pbtxt", f"{A}/labels.txt", f"{A}/warmup",
                     f"{A}/warmup/example"}  # fmt: skip
    assert (tmp_path / "served" / A / "config.pbtxt").read_text() == (
        odd / A / "configs" / f"{TARGET}.pbtxt"
    ).read_text()


def test_a_reader_of_a_replaced_edition_is_told_so(folder: Path, tmp_path: Path) -> None:
    held = Repository.load(folder)
    folder.rename(tmp_path / "gone")
    assert "was replaced by later publications since it was opened: open it again" in refusal(lambda: held.details(A))


def test_an_endless_file_is_refused(folder: Path) -> None:
    os.truncate(folder / A / "1" / "model.onnx", 1 << 40)
    assert "is larger than" in refusal(lambda: check_whole(Repository.load(folder)))
