"""MLflow's registry: what is published can be loaded there by the name of its task and what it is best at."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from narrowing import known
from onnx import numpy_helper
from support import environment, write_network

from porting.repository.publishing.offers import Offer
from porting.repository.publishing.writer import publish
from porting.stages.publish import profiled
from porting.tracking.model_registry import register
from porting.workspace.workspace import Workspace
from profiler.common.errors import BadInputError, DnnPortingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = pytest.mark.integration
ACCURATE, FAST = "digits-accurate-0000000a", "digits-fast-0000000b"
# As a user does who knows nothing but the address and the alias.
LOAD = """
import sys
import mlflow.onnx, numpy, onnxruntime
model = mlflow.onnx.load_model(sys.argv[1])
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
print(session.run(None, {session.get_inputs()[0].name: numpy.load(sys.argv[2])})[0].tolist())
"""


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture(scope="module")
def client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(uri)


@pytest.fixture
def items(published: Path, tmp_path: Path) -> list[Offer]:
    """Two of the profiled variants under names, files and figures of their own: one accurate, the other fast."""
    first, second = profiled(Workspace(published))[:2]
    return [
        offered(first, tmp_path, ACCURATE, accuracy=0.9, images_per_s=500),
        offered(second, tmp_path, FAST, accuracy=0.8, images_per_s=900),
    ]


def offered(item: Offer, folder: Path, name: str, accuracy: float, images_per_s: float, bias: float = 0.0) -> Offer:
    """The item as `name`, with a small network that `accuracy` and `bias` tell from others, and these figures."""
    file = write_network(folder / f"{name}.onnx", bias=accuracy + bias)
    digest = sha256(file.read_bytes()).hexdigest()
    profile = item.details.profiles["local_cpu"]
    rates = {
        f"{end}{name}": value * share
        for name, value in (("images_per_s", images_per_s), ("relative_throughput", images_per_s / 100))
        for end, share in (("low_", 0.99), ("", 1), ("high_", 1.01))
    }
    # The busy machine of a test may have disturbed the measurement.
    best = known(profile.best_throughput()).model_copy(update={**rates, "batch": 16, "verdict": "settled"})
    measured = known(item.details.validation_accuracy).model_copy(
        update={"value": accuracy, "low": accuracy - 0.01, "high": accuracy + 0.01}
    )
    changes = {
        "name": name,
        "onnx_sha256": digest,
        "validation_accuracy": measured,
        "profiles": {"local_cpu": profile.model_copy(update={"max_throughput": (best,), "onnx_sha256": digest})},
    }
    return replace(item, details=item.details.model_copy(update=changes), onnx=file, parent=None)


def versions(client: "MlflowClient") -> dict[tuple[str, str], int]:
    """The numbers of the task's versions, by variant and digest."""
    found = client.search_model_versions("name = 'digits'")
    assert len({(one.tags["variant"], one.tags["onnx_sha256"]) for one in found}) == len(found)
    return {(one.tags["variant"], one.tags["onnx_sha256"]): int(one.version) for one in found}


def alias(client: "MlflowClient", name: str) -> str:
    """The variant that an alias names."""
    return str(client.get_model_version_by_alias("digits", name).tags["variant"])


def test_every_published_variant_is_one_version_of_its_task_with_its_figures(
    client: "MlflowClient", uri: str, items: list[Offer], tmp_path: Path
) -> None:
    repository = publish(tmp_path / "repository", items)
    register(repository, uri)
    assert len(repository.variants) == len(items)
    for variant in repository.variants:
        number = versions(client)[variant.name, variant.onnx_sha256]
        tags = client.get_model_version("digits", str(number)).tags
        assert tags["variant"] == variant.name
        assert tags["onnx_sha256"] == variant.onnx_sha256
        assert tags["repository_version"] == "1"
        assert float(tags["accuracy/val"]) == known(variant.validation_accuracy).value
        assert (
            float(tags["local_cpu/images_per_s at batch 16"]) == variant.targets["local_cpu"].figures["images_per_s"][0]
        )


def test_what_is_registered_is_not_registered_twice(
    client: "MlflowClient", uri: str, items: list[Offer], tmp_path: Path
) -> None:
    repository = publish(tmp_path / "repository", items)
    register(repository, uri)
    before = versions(client)
    assert register(repository, uri) == []
    assert versions(client) == before


@pytest.mark.parametrize(("name", "variant"), [("most-accurate-local_cpu", ACCURATE), ("fastest-local_cpu", FAST)])
def test_an_alias_loads_the_variant_and_answers_as_its_file_does(
    uri: str, items: list[Offer], tmp_path: Path, name: str, variant: str
) -> None:
    repository = publish(tmp_path / "repository", items)
    register(repository, uri)
    images = np.random.default_rng(0).standard_normal((3, 1, 8, 8)).astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    run = subprocess.run(
        [sys.executable, "-c", LOAD, f"models:/digits@{name}", str(tmp_path / "images.npy")],
        env={**environment(), "MLFLOW_TRACKING_URI": uri},
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    session = onnxruntime.InferenceSession(tmp_path / f"{variant}.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(json.loads(run.stdout), session.run(None, {"input": images})[0])


def test_the_registry_holds_the_very_file_of_the_repository(
    client: "MlflowClient", uri: str, items: list[Offer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri()
    register(publish(tmp_path / "repository", items), uri)
    database = Path(uri.removeprefix("sqlite:///"))
    found = {sha256(path.read_bytes()).hexdigest() for path in database.parent.glob("mlartifacts/**/model.onnx")}
    assert {item.details.onnx_sha256 for item in items} <= found
    # Nothing lies about in the working directory, and the process's own MLflow is what it was.
    assert not list(tmp_path.glob("ml*"))
    assert mlflow.get_tracking_uri() == before


def test_the_aliases_move_to_the_present_frontier(
    client: "MlflowClient", uri: str, items: list[Offer], tmp_path: Path
) -> None:
    register(publish(tmp_path / "repository", items), uri)
    assert (alias(client, "most-accurate-local_cpu"), alias(client, "fastest-local_cpu")) == (ACCURATE, FAST)
    better = offered(items[1], tmp_path, "digits-better-0000000c", accuracy=0.95, images_per_s=1000)
    assert register(publish(tmp_path / "repository", [*items, better]), uri) == ["digits-better-0000000c"]
    assert alias(client, "most-accurate-local_cpu") == alias(client, "fastest-local_cpu") == "digits-better-0000000c"
    register(publish(tmp_path / "repository", items), uri)
    assert (alias(client, "most-accurate-local_cpu"), alias(client, "fastest-local_cpu")) == (ACCURATE, FAST)


def test_new_figures_of_a_registered_file_replace_the_old_ones(
    client: "MlflowClient", uri: str, items: list[Offer], tmp_path: Path
) -> None:
    register(publish(tmp_path / "repository", items), uri)
    before = versions(client)
    faster = offered(items[1], tmp_path, FAST, accuracy=0.8, images_per_s=950)
    assert register(publish(tmp_path / "repository", [items[0], faster]), uri) == []
    assert versions(client) == before
    tags = client.get_model_version_by_alias("digits", "fastest-local_cpu").tags
    assert tags["local_cpu/images_per_s at batch 16"] == "950.0"


def test_another_file_under_an_old_name_is_another_version(
    client: "MlflowClient", uri: str, items: list[Offer], tmp_path: Path
) -> None:
    register(publish(tmp_path / "repository", items), uri)
    before = versions(client)
    changed = offered(items[1], tmp_path, FAST, accuracy=0.8, images_per_s=900, bias=1)
    assert register(publish(tmp_path / "repository", [items[0], changed]), uri) == [FAST]
    assert set(versions(client)) == {*before, (FAST, changed.details.onnx_sha256)}
    current = client.get_model_version_by_alias("digits", "fastest-local_cpu")
    assert current.tags["onnx_sha256"] == changed.details.onnx_sha256
    assert current.tags["repository_version"] == "2"


def test_what_a_killed_run_has_begun_is_gone_on_with(
    client: "MlflowClient", uri: str, items: list[Offer], tmp_path: Path
) -> None:
    begun = offered(items[0], tmp_path, "digits-begun-0000000e", accuracy=0.99, images_per_s=2000)
    experiment = known(client.get_experiment_by_name("digits")).experiment_id
    tags = {"onnx_sha256": begun.details.onnx_sha256}
    left = client.create_logged_model(experiment, name=begun.details.name, tags=tags).model_id
    assert register(publish(tmp_path / "repository", [begun]), uri) == [begun.details.name]
    (found,) = client.search_logged_models([experiment], filter_string=f"name = '{begun.details.name}'")
    assert (found.model_id, str(found.status)) == (left, "READY")


def test_a_workspace_that_was_moved_loads_its_models_where_it_is(
    uri: str, items: list[Offer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow.onnx

    from porting.tracking.maintenance import update_addresses

    register(publish(tmp_path / "repository", items), uri)
    old, moved = Path(uri.removeprefix("sqlite:///")).parent, tmp_path / "moved"
    shutil.copytree(old, moved)
    for path in (moved / "mlartifacts").rglob("model.onnx"):
        # Who reads it where it was before is found out.
        shutil.copy(write_network(tmp_path / "other.onnx", bias=99), path)
    update_addresses(moved / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{moved / 'mlflow.db'}")
    model = mlflow.onnx.load_model("models:/digits@fastest-local_cpu")
    (bias,) = (one for one in model.graph.initializer if one.name == "fcb")
    assert numpy_helper.to_array(bias)[0] == 99


def test_a_file_that_is_not_the_indexed_one_is_not_registered(
    client: "MlflowClient", uri: str, items: list[Offer], tmp_path: Path
) -> None:
    other = offered(items[0], tmp_path, "digits-other-0000000d", accuracy=0.99, images_per_s=2000)
    repository = publish(tmp_path / "repository", [other])
    write_network(repository.storage.local / other.details.name / "1" / "model.onnx", bias=7)
    with pytest.raises(BadInputError, match="is not the file that was published: publish again"):
        register(repository, uri)
    assert other.details.name not in {name for name, _ in versions(client)}


def test_an_mlflow_that_cannot_be_reached_is_an_error_in_one_line(
    items: list[Offer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    repository = publish(tmp_path / "repository", items)
    (tmp_path / "file").write_text("")
    for uri in (f"sqlite:///{tmp_path}/file/mlflow.db", "http://127.0.0.1:9"):
        with pytest.raises(DnnPortingError, match=r"does not take the models \(.+\): (mend it|move )") as caught:
            register(repository, uri)
        assert "\n" not in str(caught.value)
