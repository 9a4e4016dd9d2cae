"""MLflow's database in a workspace: whole or not there, refused at once where it is not, at home wherever it lies."""

import hashlib
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

import pytest
from narrowing import known
from support import environment
from unfinished import unfinished

from porting.configuration.settings import Settings, TrackingSettings
from porting.tracking.database_file import ensure_database
from porting.tracking.database_schema import ARTIFACTS
from porting.tracking.maintenance import rebase
from porting.tracking.runs import MlflowTracker, pipeline_run, quieten_mlflow
from profiler.common.errors import BadInputError, DnnPortingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = pytest.mark.integration
FIX = r"move \S+mlflow.db\* away, and a new one is made; or set tracking.enabled=false"
AS_NOBODY = """
import os, sys
from pathlib import Path
from porting.tracking.database_file import ensure_database
from profiler.common.errors import BadInputError
os.setuid(65534)
try:
    ensure_database(Path(sys.argv[1]))
except BadInputError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database."""
    quieten_mlflow()
    path = tmp_path_factory.mktemp("made") / "mlflow.db"
    ensure_database(path)
    return path


@pytest.fixture
def database(made: Path, tmp_path: Path) -> Path:
    (tmp_path / "w").mkdir()
    return Path(shutil.copy(made, tmp_path / "w"))


def settings_in(workspace: Path) -> Settings:
    return unfinished(
        Settings, task="digits", workspace=workspace, stage=["publish"], seed=0, datamodule=None, model=None,
        tracking=TrackingSettings(enabled=True, uri=None),
    )  # fmt: skip


def run_in(workspace: Path) -> None:
    """A pipeline of no stages, which MLflow is told of."""
    with pipeline_run(settings_in(workspace), "config: true\n") as tracker:
        tracker._child("digits-a")


@contextmanager
def moved_away(workspace: Path) -> Iterator[MlflowTracker]:
    """A pipeline whose workspace is moved as soon as it has begun."""
    with pipeline_run(settings_in(workspace), "") as tracker:
        workspace.rename(workspace.with_name("elsewhere"))
        yield tracker


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


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def changed(*statements: str) -> Callable[[Path], None]:
    """Statements that somebody else has run in the database."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return change


# Another program may write this text otherwise than SQLite does.
HIDDEN = (
    "PRAGMA writable_schema = ON",
    "INSERT INTO sqlite_schema VALUES ('trigger', 'evil', 'runs', 0, "
    "CAST('CREATE/**/TRIGGER evil AFTER INSERT ON runs BEGIN DELETE FROM runs; END' AS BLOB))",
)
UPGRADE = "is no whole database of this MLflow's: if it is one of an older MLflow, run mlflow db upgrade sqlite:////"
DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda path: os.truncate(path, path.stat().st_size // 2), "is damaged"),
    "emptied": (lambda path: os.truncate(path, 0), "is no SQLite database"),
    "zeroed": (lambda path: path.write_bytes(bytes(path.stat().st_size)), "is no SQLite database"),
    "one bit": (one_bit, "is damaged"),
    "text": (lambda path: path.write_text("no database"), "is no SQLite database"),
    "a folder": (folder, "is no plain file"),
    "a link": (link, "cannot be read"),
    "a dangling link": (dangling, "cannot be read"),
    "a fifo": (fifo, "is no plain file"),
    "another program's": (another, UPGRADE),
    "of an older MLflow": (changed("UPDATE alembic_version SET version_num = '451aebb31d03'"), UPGRADE),
    "of a newer MLflow": (
        changed("UPDATE alembic_version SET version_num = 'ffffffffffff'"),
        r"is at the migration ffffffffffff, newer than this MLflow's \w{12}: use the MLflow that made it; else ",
    ),
    "two migrations": (
        changed("INSERT INTO alembic_version VALUES ('evil')"),
        r"has \w+ and \w+ in its alembic_version instead of the one migration \w{12}: ",
    ),
    "no migration": (
        changed("DELETE FROM alembic_version"),
        r"has nothing in its alembic_version instead of the one migration \w{12}: ",
    ),
    "half migrated": (changed("DROP TABLE logged_models"), "has no table logged_models, which this MLflow's has: "),
    "a column less": (
        changed("ALTER TABLE runs DROP COLUMN end_time"),
        "has no column end_time in its table runs, which this MLflow's has: ",
    ),
    "a view for a table": (
        changed("ALTER TABLE params RENAME TO p2", "CREATE VIEW params AS SELECT * FROM p2"),
        "has 'view' in its params, which does not come from MLflow: ",
    ),
    "a virtual table": (
        changed("DROP TABLE params", "CREATE VIRTUAL TABLE params USING fts5(key, value, run_uuid)"),
        "has '(fts5|virtual)' in its params, which does not come from MLflow: ",
    ),
    "a trigger": (
        changed("CREATE TRIGGER evil AFTER INSERT ON runs BEGIN DELETE FROM runs; END"),
        "has 'trigger' in its evil, which does not come from MLflow: ",
    ),
    "a trigger written in another way": (
        changed(*HIDDEN),
        "has 'trigger' in its evil, which does not come from MLflow: ",
    ),
    "a trigger in the place of MLflow's": (
        changed(
            "DROP TRIGGER prevent_secrets_aad_mutation",
            "CREATE TRIGGER prevent_secrets_aad_mutation BEFORE UPDATE ON runs BEGIN DELETE FROM runs; END",
        ),
        "has 'trigger' in its prevent_secrets_aad_mutation, which does not come from MLflow: ",
    ),
    "a function in an index": (
        changed("CREATE INDEX slow ON runs(name, hex(zeroblob(4)))"),
        "has 'zeroblob' in its slow, which does not come from MLflow: ",
    ),
    "computed columns that double": (
        changed("CREATE TABLE more (a TEXT, b TEXT GENERATED ALWAYS AS (a || a))"),
        r"has '\|\|' in its more, which does not come from MLflow: ",
    ),
    "a computed column in other words": (
        changed("CREATE TABLE more (a INT, b INT AS (a + a))"),
        "has 'as' in its more, which does not come from MLflow: ",
    ),
    "a check that computes": (
        changed("CREATE TABLE more (a INT, CHECK (a + a <> 1))"),
        "has 'check' in its more, which does not come from MLflow: ",
    ),
    "an index of longer texts": (
        changed("CREATE INDEX slow ON runs(name || name)"),
        r"has '\|\|' in its slow, which does not come from MLflow: ",
    ),
    "a function in a check": (
        changed("CREATE TABLE more (a TEXT CHECK (a NOT LIKE '%a%a%a%a%b'))"),
        "has 'like' in its more, which does not come from MLflow: ",
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
    monkeypatch.setattr("porting.tracking.database_schema.BUSY_S", 0.1)
    with closing(sqlite3.connect(database)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BadInputError, match=r"mlflow\.db is in use by another process: wait"):
            ensure_database(database)


def test_a_database_that_others_write_to_for_a_moment_is_waited_for(database: Path) -> None:
    with closing(sqlite3.connect(database, check_same_thread=False)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        end = Timer(0.3, holder.rollback)
        end.start()
        ensure_database(database)
        assert not holder.in_transaction
        end.join()


def test_a_database_that_is_larger_than_the_memory_is_told_as_damaged(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(_: sqlite3.Connection) -> None:
        raise MemoryError

    monkeypatch.setattr("porting.tracking.database_file.damage", too_large)
    with pytest.raises(BadInputError, match=rf"mlflow\.db is damaged \(.* more memory than there is\): {FIX}"):
        ensure_database(database)


def test_a_database_that_is_moved_while_it_is_used_is_said_to_be_gone(database: Path) -> None:
    workspace = database.parent
    with pytest.raises(DnnPortingError, match=r"/w does not exist: if it was moved, run the same command"):
        with moved_away(workspace) as tracker:
            tracker._child("digits-a")
    assert not workspace.exists()


def test_what_goes_wrong_first_is_told_whatever_mlflow_raises_then(database: Path) -> None:
    with pytest.raises(FileNotFoundError, match="the first"), moved_away(database.parent):
        raise FileNotFoundError("the first")


def test_a_new_database_without_room_for_temporary_files_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "none", str(small)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    monkeypatch.setattr("tempfile.tempdir", str(small))
    try:
        with pytest.raises(
            DnnPortingError, match=f"the disk at {small} has no room: free some space, or set TMPDIR to another folder"
        ) as caught:
            ensure_database(tmp_path / "mlflow.db")
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)
    assert "scratch" not in str(caught.value)


def test_a_journal_without_its_database_is_not_played_into_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
    with pytest.raises(BadInputError, match=r"mlflow\.db-journal has lost its database.* move it away"):
        ensure_database(tmp_path / "mlflow.db")


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


# Whatever the rows say, MLflow works with them, or what it raises is told in one line.
ROWS = {
    "no experiment": ("DELETE FROM experiments",),
    "an experiment of no name": ("UPDATE experiments SET name = '' WHERE name = 'digits'",),
    "an experiment of no stage": ("UPDATE experiments SET lifecycle_stage = NULL",),
    "text for a time": ("UPDATE experiments SET creation_time = 'x', last_update_time = x'ff'",),
    "bytes for an address": ("UPDATE experiments SET artifact_location = x'ff00'",),
    "a number for an address": ("UPDATE experiments SET artifact_location = 7",),
    "no workspace": ("DELETE FROM workspaces",),
    "another workspace": ("UPDATE experiments SET workspace = 'evil'",),
    "a run of an unknown status": ("PRAGMA ignore_check_constraints = ON", "UPDATE runs SET status = 'EVIL'"),
    "a run of no status": ("UPDATE runs SET status = NULL",),
    "a running run of text times": ("UPDATE runs SET status = 'RUNNING', start_time = 'x', end_time = 'y'",),
    "a running run of no stage": ("UPDATE runs SET status = 'RUNNING', lifecycle_stage = NULL",),
    "a running run of no source": (
        "PRAGMA ignore_check_constraints = ON",
        "UPDATE runs SET status = 'RUNNING', source_type = 'EVIL'",
    ),
    "a running run of bytes": ("UPDATE runs SET status = 'RUNNING', name = x'ff', user_id = x'ff'",),
    "a running run of odd tags": ("UPDATE runs SET status = 'RUNNING'", "UPDATE tags SET value = x'ff'"),
    "a running run of odd metrics": (
        "UPDATE runs SET status = 'RUNNING'",
        "INSERT INTO latest_metrics SELECT 'k', 'text', 'time', 'step', 1, run_uuid FROM runs",
    ),
    "a running run of an odd parameter": ("UPDATE runs SET status = 'RUNNING'", "UPDATE params SET value = x'ff'"),
}


@contextmanager
def one_line() -> Iterator[None]:
    try:
        yield
    except DnnPortingError as error:
        words = str(error)
        assert "\n" not in words
        assert re.search(r"set tracking\.enabled=false|move \S+mlflow.db\* away", words)
        raise


@pytest.mark.parametrize("rows", ROWS)
def test_whatever_the_rows_say_the_run_is_tracked_or_refused_in_one_line(database: Path, rows: str) -> None:
    run_in(database.parent)
    changed(*ROWS[rows])(database)
    with suppress(DnnPortingError), one_line():
        run_in(database.parent)


def test_a_failure_that_mlflow_does_not_foresee_is_told_in_one_line(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    def fail(*_: object, **__: object) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr(MlflowClient, "create_run", fail)
    with pytest.raises(DnnPortingError, match=r"does not take the run \('unforeseen'\): move .* away, .*set tracking"):
        run_in(database.parent)


def test_an_experiment_that_was_deleted_is_named_with_the_command_that_restores_it(database: Path) -> None:
    run_in(database.parent)
    changed("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'digits'")(database)
    with pytest.raises(BadInputError, match=r"experiment digits is deleted: run (.+), or set tracking") as caught:
        run_in(database.parent)
    (command,) = re.findall("run (.+), or", str(caught.value))
    words = command.replace("mlflow ", f"{sys.executable} -m mlflow ")
    subprocess.run(["bash", "-c", words], check=True, env=environment(), timeout=120)
    run_in(database.parent)


def test_many_earlier_places_are_all_put_right_at_once(database: Path) -> None:
    rows = 5000
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            "INSERT INTO experiments (name, lifecycle_stage, artifact_location) VALUES (?, 'active', ?)",
            ((f"e{row}", f"file:///w{row}/mlartifacts/7") for row in range(rows)),
        )
    calls = 0

    def counted(statement: str) -> None:
        nonlocal calls
        calls += statement.startswith("UPDATE")

    with closing(sqlite3.connect(database)) as connection:
        connection.set_trace_callback(counted)
        rebase(connection, "file:///here/mlartifacts")
        left = connection.execute("SELECT DISTINCT rtrim(artifact_location, '/07') FROM experiments").fetchall()
    assert left == [("file:///here/mlartifacts",)]
    assert calls < 20


def test_what_a_killed_process_has_half_written_is_rolled_back(database: Path) -> None:
    subprocess.run([sys.executable, "-c", HALF_WRITTEN, str(database)], check=False, timeout=60)
    assert database.with_name("mlflow.db-journal").stat().st_size
    run_in(database.parent)
    assert not database.with_name("mlflow.db-journal").exists()
    assert {one.name for one in client_of(database.parent).search_experiments()} == {"Default", "digits"}


def test_what_a_killed_run_left_open_is_ended_by_the_next_one(database: Path) -> None:
    run_in(database.parent)
    client = client_of(database.parent)
    experiment = known(client.get_experiment_by_name("digits")).experiment_id
    killed = client.create_run(experiment).info.run_id
    other = client.create_run("0").info.run_id
    run_in(database.parent)
    assert client.get_run(killed).info.status == "KILLED"
    assert client.get_run(killed).info.end_time >= client.get_run(killed).info.start_time
    assert client.get_run(other).info.status == "RUNNING"
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
    runs = client.search_runs([known(client.get_experiment_by_name("digits")).experiment_id])
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
    foreign = known(client.get_experiment_by_name("foreign"))
    assert foreign.artifact_location == (database.parent / ARTIFACTS).as_uri()
