"""MLflow is told of a run once: one that makes nothing new and is on record already is not told again."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from full_profile import blank_profile
from made_repository import items, repository
from unfinished import unfinished

from porting.configuration.settings import Settings, TrackingSettings
from porting.tracking.database_file import ensure_database
from porting.tracking.deferred import tracked
from porting.tracking.runs import PARENT_TAG, quieten_mlflow
from porting.workspace.records import Epoch, Variant
from profiler.common.errors import BadInputError

if TYPE_CHECKING:
    from mlflow.entities import Run

pytestmark = pytest.mark.integration


def settings_in(workspace: Path) -> Settings:
    return unfinished(
        Settings, task="digits", workspace=workspace, stage=["publish"], seed=0, datamodule=None, model=None,
        tracking=TrackingSettings(enabled=True, uri=None),
    )  # fmt: skip


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database."""
    quieten_mlflow()
    path = tmp_path_factory.mktemp("made") / "mlflow.db"
    ensure_database(path)
    return path


@pytest.fixture
def workspace(empty: Path, tmp_path: Path) -> Path:
    """A workspace with the record of one run."""
    folder = tmp_path / "w"
    folder.mkdir()
    shutil.copy(empty, folder)
    repository(folder)
    run_in(folder)
    return folder


def run_in(workspace: Path, config: str = "same: true", begin: bool = False) -> None:
    """A run with a repository, of which nothing is new unless it begins to make something."""
    with tracked(settings_in(workspace), config) as tracker:
        if begin:
            tracker.begin()
        tracker.repository(workspace / "repository")


def runs_in(workspace: Path) -> "list[Run]":
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{workspace}/mlflow.db")
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def statuses(workspace: Path) -> list[str]:
    return [run.info.status for run in runs_in(workspace)]


def test_the_first_run_is_told_though_nothing_of_it_is_new(workspace: Path) -> None:
    (run,) = runs_in(workspace)
    assert run.info.status == "FINISHED"
    assert sorted(path.name for path in (workspace / "mlartifacts" / run.info.run_id / "artifacts").iterdir()) == [
        "config.yaml", "frontier.png", "report.html", "repository.json",
    ]  # fmt: skip


def test_a_run_that_is_on_record_is_not_told_again(workspace: Path) -> None:
    run_in(workspace)
    assert len(runs_in(workspace)) == 1


def test_a_run_that_makes_something_new_is_told(workspace: Path) -> None:
    run_in(workspace, begin=True)
    assert statuses(workspace) == ["FINISHED"] * 2


def test_another_configuration_is_another_run(workspace: Path) -> None:
    run_in(workspace, "same: false")
    assert statuses(workspace) == ["FINISHED"] * 2


def test_another_repository_is_another_run(workspace: Path) -> None:
    repository(workspace, items(workspace)[:1])
    run_in(workspace)
    assert statuses(workspace) == ["FINISHED"] * 2


def changed(workspace: Path, statement: str) -> None:
    with closing(sqlite3.connect(workspace / "mlflow.db")) as connection, connection:
        connection.execute(statement)


def without_artefacts(workspace: Path) -> None:
    shutil.rmtree(workspace / "mlartifacts")


def deleted(workspace: Path) -> None:
    changed(workspace, "UPDATE runs SET lifecycle_stage = 'deleted'")


def failed(workspace: Path) -> None:
    changed(workspace, "UPDATE runs SET status = 'FAILED'")


def killed(workspace: Path) -> None:
    changed(workspace, "UPDATE runs SET status = 'RUNNING'")


@pytest.mark.parametrize("change", [without_artefacts, deleted, failed, killed])
def test_a_run_whose_record_is_gone_or_not_whole_is_told(change: Callable[[Path], None], workspace: Path) -> None:
    change(workspace)
    run_in(workspace)
    newest = max(runs_in(workspace), key=lambda run: run.info.start_time)
    assert (workspace / "mlartifacts" / newest.info.run_id / "artifacts" / "config.yaml").is_file()
    assert newest.info.status == "FINISHED"
    assert "RUNNING" not in statuses(workspace)


def test_a_workspace_that_was_moved_is_told_of_and_put_right(workspace: Path) -> None:
    moved = Path(shutil.copytree(workspace, workspace.with_name("moved")))
    run_in(moved)
    assert all(run.info.artifact_uri.startswith(moved.as_uri()) for run in runs_in(moved))
    assert len(runs_in(moved)) == 2


def test_a_damaged_database_is_refused_though_nothing_is_new(workspace: Path) -> None:
    (workspace / "mlflow.db").write_bytes(b"\0" * 4096)
    with pytest.raises(BadInputError, match="is no SQLite database"):
        run_in(workspace)


def test_a_run_that_fails_before_it_makes_anything_is_on_record(workspace: Path) -> None:
    def fail() -> None:
        with tracked(settings_in(workspace), "same: true"):
            raise BadInputError("no target")

    with pytest.raises(BadInputError, match="no target"):
        fail()
    assert sorted(statuses(workspace)) == ["FAILED", "FINISHED"]


def test_epochs_are_told_at_once(workspace: Path) -> None:
    with tracked(settings_in(workspace), "same: true") as tracker:
        tracker.epoch("digits-a", Epoch(epoch=0, train_loss=1.0, val_loss=1.0, val_accuracy=0.5))
        (child,) = (run for run in runs_in(workspace) if PARENT_TAG in run.data.tags)
        assert child.data.metrics["epoch/val_accuracy"] == 0.5


def test_a_variant_names_the_place_of_its_samples(workspace: Path) -> None:
    folder = workspace / "tasks" / "digits" / "variants" / "digits-a"
    folder.mkdir(parents=True)
    (folder / "variant.json").write_text("{}")
    names = {"name": "digits-a", "task": "digits", "backbone": "resnet8", "lineage": [], "key": "0"}
    with tracked(settings_in(workspace), "same: true") as tracker:
        tracker.variant(unfinished(Variant, onnx=None, **names), {"local_cpu": blank_profile()}, folder)
    (child,) = (run for run in runs_in(workspace) if PARENT_TAG in run.data.tags)
    assert child.data.tags["samples/local_cpu"] == "tasks/digits/variants/digits-a/samples/local_cpu.npz"
    assert (workspace / child.data.tags["samples/local_cpu"]).parent.parent == folder
