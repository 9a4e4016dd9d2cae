"""The product: a folder that a real Triton server loads as it stands and that answers as it was evaluated."""

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from google.protobuf import text_format
from narrowing import known
from servers.short_lived import short_lived_triton
from support import SMALL, WARM_UP, Command, variant_records
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.grpc.model_config_pb2 import ModelConfig

from datamodules.digits import Digits
from porting.jobs.context import Context
from porting.repository import Repository
from porting.repository.standing import RANKED_SINGLE
from porting.stages.profile import Profiled
from porting.workspace.workspace import Workspace
from profiler.common.files import sha256
from profiler.common.profile_settings import LevelSettings, ThroughputSettings
from profiler.common.target import Target

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def repository(published: Path) -> Repository:
    return Repository.load(published / "repository")


def test_the_published_repository_answers_exactly_as_evaluated(published: Path, repository: Repository) -> None:
    images = [batch.numpy() for batch, _ in Digits(batch_size=32).loader("test")]
    assert repository.variants
    with short_lived_triton(repository=published / "repository") as server:
        with InferenceServerClient(server.endpoint) as client:
            for variant in repository.variants:
                details = repository.details(variant.name)
                answers = [infer(client, variant.name, details.input.name, details.output.name, x) for x in images]
                predictions = np.concatenate(answers).argmax(axis=1)
                evaluated = np.load(published / "tasks/digits/variants" / variant.name / "predictions.npz")
                np.testing.assert_array_equal(predictions, evaluated["test"])


def infer(client: InferenceServerClient, model: str, source: str, sink: str, images: np.ndarray) -> np.ndarray:
    tensor = InferInput(source, list(images.shape), "FP32")
    tensor.set_data_from_numpy(images)
    answer: np.ndarray = client.infer(model, [tensor]).as_numpy(sink)
    return answer


def test_the_server_names_the_classes(published: Path, repository: Repository) -> None:
    from tritonclient.grpc import InferRequestedOutput

    variant = repository.variants[0]
    images = next(iter(Digits(batch_size=4).loader("test")))[0].numpy()
    evaluated = np.load(published / "tasks/digits/variants" / variant.name / "predictions.npz")["test"][:4]
    with short_lived_triton(repository=published / "repository") as server:
        with InferenceServerClient(server.endpoint) as client:
            tensor = InferInput("input", list(images.shape), "FP32")
            tensor.set_data_from_numpy(images)
            wanted = [InferRequestedOutput("logits", class_count=1)]
            found = client.infer(variant.name, [tensor], outputs=wanted).as_numpy("logits")
    assert [value.decode().split(":")[2] for value in found.flatten()] == [str(label) for label in evaluated]


def test_the_layers_of_every_published_variant_are_measured(published: Path, repository: Repository) -> None:
    assert repository.variants
    for variant in repository.variants:
        profile = repository.on(variant.name, "local_cpu").profile
        (times,) = profile.layer_times
        named = {name for one in times.layers for name in one.layers}
        assert {one.name for one in profile.layers if one.macs} <= named
        assert (variant.precision == "int8") == ("QLinearConv" in times.operator_us)
    assert "Time by layer" in (published / "repository" / "report.html").read_text()


def test_candidates_are_fp32_and_int8_from_two_engines(published: Path) -> None:
    records = variant_records(published).values()
    files = [record["onnx"]["precision"] for record in records if record["onnx"]]
    assert sorted(set(files)) == ["fp32", "int8"]
    assert files.count("fp32") == files.count("int8") == 3
    labels = {step["label"] for record in records for step in record["lineage"]}
    assert {"taylor-50", "nni-l1-50", "tuned", "int8-u8s8"} <= labels


def test_the_frontier_is_what_nobody_dominates(repository: Repository) -> None:
    frontier = repository.frontier(task="digits", target="local_cpu")
    assert frontier == sorted(frontier, key=lambda v: known(v.validation_accuracy).value, reverse=True)
    single = repository.frontier(task="digits", target="local_cpu", metrics=RANKED_SINGLE)
    for variant in repository.variants:
        disturbed = "relative_throughput" in variant.targets["local_cpu"].unknown
        assert (variant in frontier) == variant.targets["local_cpu"].on_frontier
        assert variant in frontier or variant in single or disturbed
    for dropped in repository.index.dropped:
        standing = dropped.targets["local_cpu"]
        winner = repository.variant(known(standing.dominated_by))
        assert known(winner.validation_accuracy).value >= known(dropped.validation_accuracy).value
        assert winner.targets["local_cpu"].figures["images_per_s"][0] >= standing.figures["images_per_s"][0]


def test_contention_is_beside_the_first_other_variant_of_the_task(published: Path) -> None:
    workspace = Workspace(published)
    context = cast("Context", SimpleNamespace(workspace=workspace))
    throughput = ThroughputSettings(batches=[1], max_concurrency=1, search_seconds=1, settle_seconds=1)
    level = LevelSettings.of_throughput(throughput, budget_s=1)
    exported = [(one, one.onnx) for one in workspace.variants("digits") if one.onnx is not None]
    (first, _), (second, _), *_ = exported
    assert len(exported) > 2
    for variant, file in exported:
        found = known(Profiled(context, "local_cpu", Target(), level, 1, variant, file).co_runner())
        assert found.name == (second if variant == first else first).name
        assert sha256(found.path) != file.sha256


def test_the_index_and_the_details_agree_with_the_files(repository: Repository) -> None:
    assert repository.variants
    for variant in repository.variants:
        details = repository.details(variant.name)
        path = repository.storage.local / variant.name / str(variant.version) / "model.onnx"
        assert sha256(path) == variant.onnx_sha256 == details.onnx_sha256
        assert details.profiles["local_cpu"].onnx_sha256 == details.onnx_sha256
        assert details.profiles["local_cpu"].complexity.file_bytes == path.stat().st_size


def test_preprocessing_labels_and_provenance_travel_with_the_variant(repository: Repository) -> None:
    assert repository.variants
    for variant in repository.variants:
        details = repository.details(variant.name)
        assert details.preprocessing is not None
        assert (details.preprocessing.size, details.preprocessing.colour) == (32, "L")
        assert details.labels == [str(digit) for digit in range(10)]
        assert (repository.storage.local / variant.name / "labels.txt").read_text().split() == details.labels
        assert details.lineage[0].stage == "train"
        assert "torch" in details.lineage[0].versions


def test_the_served_settings_are_the_profiled_ones(repository: Repository) -> None:
    assert repository.variants
    for variant in repository.variants:
        profile = repository.details(variant.name).profiles["local_cpu"]
        for name in ("config.pbtxt", "configs/local_cpu.pbtxt"):
            text = (repository.storage.local / variant.name / name).read_text()
            config = text_format.Parse(text, ModelConfig())
            assert config.parameters["intra_op_thread_count"].string_value == str(profile.target.threads)
            assert config.instance_group[0].count == profile.target.instances
            assert config.name == ""


def test_every_root_folder_is_a_model_and_every_other_thing_a_file(repository: Repository) -> None:
    folders = {path.name for path in repository.storage.local.iterdir() if path.is_dir()}
    assert folders == {variant.name for variant in repository.variants}
    files = {path.name for path in repository.storage.local.iterdir() if path.is_file()}
    assert files == {"repository.json", "repository.schema.json", "report.html", "frontier.png"}


def test_the_profile_holds_every_row_of_the_quick_level(
    dnn_porting: Command, published: Path, repository: Repository, tmp_path: Path
) -> None:
    variant = repository.variants[0].name
    shutil.copytree(published / "tasks/digits/variants" / variant, tmp_path / "tasks/digits/variants" / variant)
    run = dnn_porting(*SMALL, WARM_UP, "stage=[profile,publish]", f"workspace={tmp_path}", "tracking.enabled=false")
    assert run.code == 0, run.err
    profile = Repository.load(tmp_path / "repository").details(variant).profiles["local_cpu"]
    assert profile.level == "quick"
    assert profile.complexity.parameters > 0
    assert [point.batch for point in profile.latency if point.runtime == "onnxruntime"] == [1, 4]
    assert {point.batch for point in profile.first_inference} == {1}
    assert {point.runtime for point in profile.load_time} == {"triton"}
    assert not profile.missing
    best = profile.best_throughput()
    assert best is not None
    assert best.runtime == "triton"
    assert best.answers == pytest.approx(best.server_answers, rel=0.02)
    assert best.offered == "closed loop"


def test_the_resolved_config_stands_beside_every_variant(published: Path) -> None:
    records = variant_records(published)
    assert records
    for name in records:
        text = (published / "tasks/digits/variants" / name / "config.yaml").read_text()
        assert "epochs: 2" in text
        assert "${" not in text


def test_names_are_dns_labels_that_end_in_their_key(published: Path) -> None:
    records = variant_records(published)
    assert records
    for name, record in records.items():
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name)
        assert name.endswith(record["key"][:8])


def test_a_second_run_reuses_everything(dnn_porting: Command, published: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in published.glob("tasks/**/*") if path.is_file()}
    index = (published / "repository" / "repository.json").read_bytes()
    run = dnn_porting(*SMALL, f"workspace={published}")
    assert run.code == 0, run.err
    assert " made" not in run.out.replace("0 made", "")
    assert "publish   unchanged" in run.out
    after = {path: path.stat().st_mtime_ns for path in published.glob("tasks/**/*") if path.is_file()}
    assert {k: v for k, v in after.items() if k.name != ".lock"} == {
        k: v for k, v in before.items() if k.name != ".lock"
    }
    assert (published / "repository" / "repository.json").read_bytes() == index


def test_a_run_ends_with_the_table_the_report_and_the_command_that_serves(
    dnn_porting: Command, published: Path
) -> None:
    run = dnn_porting("stage=publish", f"workspace={published}", "tracking.enabled=false")
    assert run.code == 0, run.err
    for column in ("variant", "accuracy", "parameters", "FLOPs", "p50, ms", "images/s", "on the frontier"):
        assert column in run.out
    repository = Repository.load(published / "repository")
    for variant in (*repository.index.variants, *repository.index.dropped):
        assert variant.name in run.out
    assert "dominated by" in run.out or not repository.index.dropped
    assert f"{published}/repository/report.html" in run.out
    assert f"dnn-porting serve {published}/repository" in run.out


def test_another_file_under_an_old_name_becomes_the_next_version(published: Path, tmp_path: Path) -> None:
    from porting.repository.publishing.writer import publish
    from porting.stages.publish import profiled
    from porting.workspace.workspace import Workspace

    items = profiled(Workspace(published))
    first = publish(tmp_path / "repository", items)
    name = first.variants[0].name
    changed = []
    for item in items:
        if item.details.name == name:
            other = tmp_path / "other.onnx"
            other.write_bytes(item.onnx.read_bytes() + b"x")
            details = item.details.model_copy(update={"onnx_sha256": sha256(other)})
            changed.append(type(item)(details, item.parent, item.technique, other))
        else:
            changed.append(item)
    second = publish(tmp_path / "repository", changed)
    assert second.variant(name).version == 2
    assert (second.storage.local / name / "1" / "model.onnx").exists()
    assert (second.storage.local / name / "2" / "model.onnx").exists()
    assert all(variant.version == 1 for variant in second.variants if variant.name != name)
    assert json.loads((first.storage.local / "repository.json").read_text())["key"] == first.index.key


def test_a_folder_of_somebody_else_is_not_replaced(published: Path, tmp_path: Path) -> None:
    from porting.repository.publishing.writer import publish
    from porting.stages.publish import profiled
    from porting.workspace.workspace import Workspace
    from profiler.common.errors import BadInputError

    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "precious").write_text("")
    with pytest.raises(BadInputError, match="is a folder and no link to one"):
        publish(tmp_path / "repository", profiled(Workspace(published)))
    assert (tmp_path / "repository" / "precious").exists()


def test_two_machines_under_one_target_name_are_refused(published: Path) -> None:
    from porting.repository.publishing.ranking import fingerprints
    from porting.stages.publish import profiled
    from porting.workspace.workspace import Workspace
    from profiler.common.errors import BadInputError

    items = profiled(Workspace(published))
    profile = items[0].details.profiles["local_cpu"]
    elsewhere = profile.model_copy(
        update={"fingerprint": profile.fingerprint.model_copy(update={"cpu_model": "other"})}
    )
    details = items[0].details.model_copy(update={"profiles": {"local_cpu": elsewhere}})
    items[0] = type(items[0])(details, None, [], items[0].onnx)
    with pytest.raises(BadInputError, match="different machines"):
        fingerprints(items)


def test_a_run_that_does_not_publish_shows_what_is_known_so_far(dnn_porting: Command, published: Path) -> None:
    run = dnn_porting(*SMALL, "stage=profile", f"workspace={published}", "tracking.enabled=false")
    assert run.code == 0, run.err
    assert "profile   0 made" in run.out
    for name, record in variant_records(published).items():
        (line,) = (line for line in run.out.splitlines() if f" {name} " in line)
        assert ("not ranked yet: profiled" in line) == (record["onnx"] is not None)


def test_a_copied_workspace_works_where_it_is_and_touches_nothing_of_the_original(
    dnn_porting: Command, published: Path, tmp_path: Path
) -> None:
    def everything() -> dict[str, str]:
        return {str(path): sha256(path) for path in published.rglob("*") if path.is_file()}

    before = everything()
    copy = tmp_path / "copy"
    shutil.copytree(published, copy, symlinks=True)
    run = dnn_porting(*SMALL, f"workspace={copy}")
    assert run.code == 0, run.err
    assert re.search(r"profile +0 made, 6 reused\n", run.out)
    assert "publish   unchanged" in run.out
    assert everything() == before
    assert len(list(copy.glob("mlartifacts/*"))) > len(list(published.glob("mlartifacts/*")))
