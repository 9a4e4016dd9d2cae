"""`dnn-porting warm-up`: predictors from the profiles of a workspace, published for what no load measured."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from made_points import latency, partly
from made_warm_up import family, first, network, rule_ms
from support import SHORT_SEARCH, Command, write_network

from orchestrators.planners.devices import devices
from porting.commands import warm_up_predictor
from porting.configuration.settings import PublishSettings
from porting.repository import Repository
from porting.repository.schema import Accuracy, Step
from porting.stages.publish import publish_workspace
from porting.workspace.records import OnnxFile, Variant
from porting.workspace.workspace import Workspace
from profiler.analysis.fits import fitted
from profiler.common.archives import Samples, packed
from profiler.common.errors import BadInputError
from profiler.common.files import read_record, write_record
from profiler.records.profile import Profile
from profiler.warm_up import regression
from profiler.warm_up.predictor import TargetPredictors

SETTINGS = PublishSettings(merge_from=[], copy_to=[], mlflow_registry=False, sign=None, public_key=None)
TARGET = "local_cpu"


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "TREES", 10)


def add(workspace: Workspace, name: str, backbone: str, profile: Profile, accuracy: float = 0.5) -> None:
    """A variant with an ONNX file of its name, and its profile."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    found = Accuracy(
        dataset="d", dataset_sha256="0" * 64, split="val", n=9, value=accuracy, low=accuracy - 0.001,
        high=accuracy + 0.001,
    )  # fmt: skip
    onnx = partly(
        OnnxFile, key="0" * 64, sha256=digest, opset=20, precision="fp32",
        input={"name": "input", "shape": [-1, 8, 8]}, output={"name": "logits", "shape": [3]},
        validation_accuracy=found,
    )  # fmt: skip
    step = Step(stage="train", label="", key="0" * 64, settings={}, versions={}, seconds=1.0)
    values = {"key": "0" * 64, "backbone": backbone, "lineage": [step], "onnx": onnx, "history": []}
    variant = partly(Variant, task="digits", name=name, **values)
    with workspace.making("digits", name) as folder:
        (folder / "model.onnx").write_text(name)
        (folder / "predictions.npz").write_bytes(packed({"example": np.zeros((1, 8, 8), np.float32)}))
        workspace.record(variant, folder)
    workspace.profile_files(variant, TARGET).write(profile.model_copy(update={"onnx_sha256": digest}), {})


def screened(backbone_layers: int = 20, width: int = 13) -> Profile:
    """A network of which the level measured the first inference of batch 1, and no load time."""
    made = network(width, backbone_layers)
    points = {"first_inference": (first(1, rule_ms(made, 1)),), "latency": tuple(latency(one) for one in (1, 2, 8, 32))}
    return fitted(made.model_copy(update=points))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Fully measured variants of five backbones, and one that was screened; no target has two machines."""
    found = Workspace(tmp_path / "artifacts")
    for one in family(widths=3):
        add(found, f"digits-{one.variant}-00000000", one.backbone, one.profile)
    add(found, "digits-middle-screened-00000000", "middle", screened(), accuracy=0.9)
    return found


def train(workspace: Workspace) -> None:
    warm_up_predictor.run(["train", "--workspace", str(workspace.root)])


def test_the_errors_of_every_model_are_shown_by_variant_and_by_backbone(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    train(workspace)
    shown = capsys.readouterr().out
    for words in ("line with forest", "line alone", "forest alone", "MAPE, held-out backbones", "load_ms, 15 rows"):
        assert words in shown
    assert "stage=publish adds their times" in shown
    assert workspace.predictors(TARGET).is_file()


def test_a_predicted_time_is_published_with_its_error_and_a_measured_one_stays(workspace: Workspace) -> None:
    train(workspace)
    repository, _ = publish_workspace(workspace, SETTINGS)
    one = repository.on("digits-middle-screened-00000000", TARGET)
    profile = one.profile
    assert [(found.quantity, found.batch) for found in profile.predicted] == [
        *(("first_inference_ms", batch) for batch in (2, 4, 8, 16, 32)), ("load_ms", None),
    ]  # fmt: skip
    assert all(found.kind == "predicted" and found.held_out == "variant" for found in profile.predicted)
    for found in profile.predicted[:-1]:
        assert found.time_ms == pytest.approx(rule_ms(profile, found.batch or 0), rel=0.2)
    assert one.figure("load_ms") is None
    assert one.load_s() == pytest.approx(2 * rule_ms(profile, 1) / 1e3, rel=0.2)
    assert "Not measured: load time" in (repository.storage.local / "report.html").read_text()


def test_the_device_planner_plans_a_variant_that_was_only_screened(workspace: Workspace) -> None:
    name = "digits-middle-screened-00000000"
    before, _ = publish_workspace(workspace, SETTINGS)
    with pytest.raises(BadInputError, match="first inferences on 1 to 1"):
        devices(before, name)
    train(workspace)
    after, same = publish_workspace(workspace, SETTINGS)
    assert not same
    (device,) = devices(after, name)
    assert device.max_batch == 32
    assert any("predicted" in line for line in after.predicted)


def test_without_a_predictor_nothing_is_predicted(workspace: Workspace) -> None:
    repository, _ = publish_workspace(workspace, SETTINGS)
    found = [repository.on(name, TARGET).profile.predicted for name in repository.by_name]
    assert found
    assert found == [()] * len(found)


def test_a_damaged_predictor_and_one_of_another_machine_are_refused(workspace: Workspace) -> None:
    train(workspace)
    path = workspace.predictors(TARGET)
    stored = read_record(path, TargetPredictors, "")
    path.write_text(path.read_text().replace('"cpu_model": "', '"cpu_model": "another '))
    with pytest.raises(BadInputError, match=r"damaged .*warm-up train --target local_cpu"):
        publish_workspace(workspace, SETTINGS)
    other = stored.fingerprint.model_copy(update={"cpu_model": "another"})
    write_record(path, stored.model_copy(update={"fingerprint": other}))
    with pytest.raises(BadInputError, match=r"are of another machine or server than .*: train them again"):
        publish_workspace(workspace, SETTINGS)
    write_record(path, stored.model_copy(update={"target_name": "edge"}))
    with pytest.raises(BadInputError, match=r"holds the predictors of target edge: train them again"):
        publish_workspace(workspace, SETTINGS)


def test_one_backbone_gives_no_error_for_another_one_and_the_command_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Workspace(tmp_path / "artifacts")
    for one in family(widths=4):
        if one.backbone == "middle":
            add(found, f"digits-{one.variant}-00000000", one.backbone, one.profile)
    add(found, "digits-deep-screened-00000000", "deep", screened(40), accuracy=0.9)
    train(found)
    assert "the error needs 3 backbones with measured times, and there are fewer" in capsys.readouterr().out
    repository, _ = publish_workspace(found, SETTINGS)
    assert not repository.on("digits-deep-screened-00000000", TARGET).profile.predicted


def test_a_workspace_without_a_profile_and_an_unknown_target_are_refused(tmp_path: Path, workspace: Workspace) -> None:
    with pytest.raises(BadInputError, match=r"nothing in .* is profiled: run stage=profile profile=full first"):
        warm_up_predictor.run(["train", "--workspace", str(tmp_path / "empty")])
    with pytest.raises(BadInputError, match="no profile on target 'elsewhere': choices are local_cpu"):
        warm_up_predictor.run(["train", "--workspace", str(workspace.root), "--target", "elsewhere"])


def test_features_are_chosen_from_the_samples_of_the_monitor(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadInputError, match=r"no samples have .*profile\.monitor=true"):
        warm_up_predictor.run(["select", "--workspace", str(workspace.root)])
    generator, names = np.random.default_rng(0), np.array(["deciding", "idle", "other"])
    for variant in workspace.variants("digits"):
        features = generator.uniform(1, 9, (8, 3))
        samples: Samples = {"monitor_features": names, "monitor_batch_1": features}
        samples["first_inference_batch_1_ms"] = 10 * features[:, 0]
        profile = workspace.profiles(variant)[TARGET]
        workspace.profile_files(variant, TARGET).write(profile, samples)
    warm_up_predictor.run(["select", "--workspace", str(workspace.root)])
    shown = " ".join(capsys.readouterr().out.split())
    assert "chosen: deciding, " in shown
    assert "importance of 4 features in 128 first inferences" in shown
    assert "the paper's that are known" in shown


@pytest.mark.integration
def test_what_a_run_measured_trains_a_predictor_that_the_next_publication_uses(
    dnn_porting: Command, tmp_path: Path
) -> None:
    """Three real files are imported and measured in the process; one of them at batch 1 only."""
    workspace = tmp_path / "artifacts"
    usual = [
        f"workspace={workspace}", "task=small", "tracking.enabled=false", "targets.local_cpu.runtime=onnxruntime",
        "profile.budget_s=300", "profile.patience=1", "profile.visits=null", "profile.latency.batches=[1,2,4]",
        "profile.latency.seconds=0.05", "profile.monitor=true", *SHORT_SEARCH,
    ]  # fmt: skip
    for number, batches in ((1, "[1,2,4]"), (2, "[1,2,4]"), (3, "[1,2,4]"), (4, "[1]")):
        model = write_network(tmp_path / f"net{number}.onnx", work=number)
        level = f"profile.warm_up={{loads: 3, batches: {batches}, curve_inferences: 10, switch_seconds: null}}"
        run = dnn_porting(f"model={model}", "stage=[import,profile]", level, *usual)
        assert run.code == 0, run.err
    run = dnn_porting("warm-up", "train", "--workspace", str(workspace))
    assert run.code == 0, run.err
    assert "first_inference_ms, 10 rows" in run.out
    run = dnn_porting("warm-up", "select", "--workspace", str(workspace))
    assert run.code == 0, run.err
    assert "chosen: " in run.out
    run = dnn_porting("stage=publish", *usual)
    assert run.code == 0, run.err
    repository = Repository.load(workspace / "repository")
    found = [repository.on(name, TARGET).profile.predicted for name in repository.by_name]
    assert [[one.batch for one in times] for times in found if times] == [[2, 4]]
