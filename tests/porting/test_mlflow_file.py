"""MLflow's database in a workspace: whole or not there, refused at once where it is not, at home wherever it lies."""

import hashlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import environment

from porting.mlflow_file import ARTIFACTS, ready
from porting.settings import Settings, TrackingSettings
from porting.tracking import pipeline_run, quieten_mlflow
from profiler.errors import BadInputError

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = pytest.mark.integration
FIX = r"move \S+mlflow.db\* away, and a new one is made; or set tracking.enabled=false"
AS_NOBODY = """
import os, sys
from pathlib import Path
from porting.mlflow_file import ready
from profiler.errors import BadInputError
os.setuid(65534)
try:
    ready(Path(sys.argv[1]))
except BadInputError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database."""
    quieten_mlflow()
    path = tmp_path_factory.mktemp("made") / "mlflow.db"
    ready(path)
    return path


@pytest.fixture
def database(made: Path, tmp_path: Path) -> Path:
    (tmp_path / "w").mkdir()
    return Path(shutil.copy(made, tmp_path / "w"))


def run_in(workspace: Path) -> None:
    """A pipeline of no stages, which MLflow is told of."""
    settings = Settings.model_construct(
        task="digits", workspace=workspace, stage=["publish"], seed=0, datamodule=None, model=None,
        tracking=TrackingSettings(enabled=True, uri=None),
    )  # fmt: skip
    with pipeline_run(settings, "config: true\n") as tracker:
        tracker._child("digits-a")


def client_of(workspace: Path) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{workspace}/mlflow.db")


def test_a_new_database_is_whole_and_nothing_else_is_left(made: Path) -> None:
    assert {path.name for path in made.parent.iterdir()} == {"mlflow.db", ".mlflow.lock"}
    assert client_of(made.parent).get_experiment("0").artifact_location == f"{made.parent.as_uri()}/mlartifacts/0"


def one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    # The number of cells of the first page.
    content[103] ^= 1
    path.write_bytes(content)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link(path: Path) -> None:
    path.symlink_to(path.rename(path.with_name("aside")))


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def another(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE history (url TEXT)")


def half_migrated(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE logged_models")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda path: os.truncate(path, path.stat().st_size // 2), "is damaged"),
    "emptied": (lambda path: os.truncate(path, 0), "is no SQLite database"),
    "zeroed": (lambda path: path.write_bytes(bytes(path.stat().st_size)), "is no SQLite database"),
    "one bit": (one_bit, "is damaged"),
    "text": (lambda path: path.write_text("no database"), "is no SQLite database"),
    "a folder": (folder, "is no plain file"),
    "a link": (link, "cannot be read"),
    "a dangling link": (lambda path: (path.unlink(), path.symlink_to("nowhere")), "cannot be read"),
    "a fifo": (fifo, "is no plain file"),
    "another program's": (
        another,
        "is no whole database of this MLflow's: if it is one of an older MLflow, run mlflow db upgrade",
    ),
    "half migrated": (
        half_migrated,
        "is no whole database of this MLflow's: if it is one of an older MLflow, run mlflow db upgrade",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_database_that_cannot_be_used_is_refused_at_once_with_the_fix(database: Path, damage: str) -> None:
    how, why = DAMAGES[damage]
    how(database)
    before = time.monotonic()
    with pytest.raises(BadInputError, match=rf"mlflow\.db {why}.*{FIX}"):
        run_in(database.parent)
    assert time.monotonic() - before < 20


@pytest.mark.parametrize(("mode", "why"), [(0o000, "cannot be read"), (0o444, "cannot be written to")])
def test_who_may_not_use_the_database_is_told_so_at_once(database: Path, mode: int, why: str) -> None:
    if os.geteuid():
        pytest.skip("only root can become nobody")
    for place in (database.parent, *database.parent.parents):
        if not place.stat().st_mode & stat.S_IXOTH:
            place.chmod(0o755)
    database.chmod(mode)
    run = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(database)], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert why in run.stdout, run.stderr
    assert "away, and a new one is made" in run.stdout


def test_a_database_that_somebody_else_holds_is_waited_for_and_named(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("porting.mlflow_file.BUSY_S", 0.1)
    with closing(sqlite3.connect(database)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BadInputError, match=r"mlflow\.db is in use by another process: wait"):
            ready(database)


def test_a_journal_without_its_database_is_not_played_into_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
    with pytest.raises(BadInputError, match=r"mlflow\.db-journal has lost its database.* move it away"):
        ready(tmp_path / "mlflow.db")


HALF_WRITTEN = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size=1")
connection.execute("PRAGMA cache_spill=1")
connection.execute("BEGIN")
connection.execute("DELETE FROM alembic_version")
for row in range(20000):
    connection.execute("INSERT INTO experiments (name, lifecycle_stage) VALUES (?, 'active')", (f"{row:0200}",))
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_has_half_written_is_rolled_back(database: Path) -> None:
    subprocess.run([sys.executable, "-c", HALF_WRITTEN, str(database)], check=False, timeout=60)
    assert database.with_name("mlflow.db-journal").stat().st_size
    run_in(database.parent)
    assert not database.with_name("mlflow.db-journal").exists()
    assert {one.name for one in client_of(database.parent).search_experiments()} == {"Default", "digits"}


def test_what_a_killed_run_left_open_is_ended_by_the_next_one(database: Path) -> None:
    run_in(database.parent)
    client = client_of(database.parent)
    experiment = client.get_experiment_by_name("digits").experiment_id
    killed = client.create_run(experiment).info.run_id
    run_in(database.parent)
    assert client.get_run(killed).info.status == "KILLED"
    assert {run.info.status for run in client.search_runs([experiment])} == {"KILLED", "FINISHED"}


def content_of(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("how", ["copied", "moved"])
def test_a_workspace_that_is_elsewhere_now_has_its_artefacts_there_and_leaves_the_old_one_alone(
    database: Path, tmp_path: Path, how: str
) -> None:
    original, here = database.parent, tmp_path / "else where %" / "here"
    here.parent.mkdir()
    run_in(original)
    before = content_of(original)
    shutil.copytree(original, here)
    if how == "moved":
        shutil.rmtree(original)
    run_in(here)
    assert content_of(original) == (before if how == "copied" else {})
    client = client_of(here)
    runs = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
    assert len(runs) == 4
    for run in runs:
        assert run.info.artifact_uri.startswith(f"{here.as_uri()}/mlartifacts/")
    parents = [run for run in runs if client.list_artifacts(run.info.run_id)]
    assert len(parents) == 2
    for run in parents:
        got = client.download_artifacts(run.info.run_id, "config.yaml", str(tmp_path))
        assert Path(got).read_text() == "config: true\n"
    assert str(original).encode() + b"/" not in (here / "mlflow.db").read_bytes()


@pytest.mark.parametrize("place", ["file:///somewhere/else", "s3://bucket/mlartifacts", "http://a.example/"])
def test_a_database_from_elsewhere_has_no_artefacts_written_elsewhere(database: Path, place: str) -> None:
    client = client_of(database.parent)
    client.create_experiment("foreign", place)
    run_in(database.parent)
    assert client.get_experiment_by_name("foreign").artifact_location == (database.parent / ARTIFACTS).as_uri()
