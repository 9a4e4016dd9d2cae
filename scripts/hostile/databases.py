"""Hostile databases of MLflow."""

import sqlite3
from pathlib import Path

from hostile.door import UNTRACKED, Door, Inputs, Put, words
from hostile.files import special_files

PLACES = (
    "file://{case}/precious",
    "file:///dev/shm/escape",
    "http://evil.example/",
    "s3://evil/bucket",
    "ftp://evil.example/",
    "../../escape",
    "mlflow-artifacts:/x",
    "\x1b[31m",
    "file://{case}/base/mlartifacts/../../precious",
    "dbfs:/x",
    "",
)
# Each of these columns doubles the one before.
DOUBLED = ", ".join(f"g{i} {{kind}} generated always as (g{i - 1} {{plus}} g{i - 1})" for i in range(1, 30))
COUNT = "c(x) as (values(1) union all select x + 1 from c limit 200000)"
STATEMENTS = {
    "an older migration": "update alembic_version set version_num = '451aebb31d03'",
    "an unknown migration": "update alembic_version set version_num = 'evil'",
    "no migration": "delete from alembic_version",
    "two migrations": "insert into alembic_version values ('evil')",
    "no runs' table": "drop table runs",
    "no experiments": "delete from experiments",
    "a deleted experiment": "update experiments set lifecycle_stage = 'deleted'",
    "another name": "update experiments set name = 'x\x1b[31m' || experiment_id",
    "a view": "alter table params rename to p2",
    "a trigger": "create trigger t after insert on runs begin select raise(abort, 'no \x1b[31m'); end",
    "a slow trigger": "create trigger t after insert on runs begin select count(*) from "
    "(with recursive c(x) as (values(1) union all select x+1 from c) select x from c); end",
    "a trigger that deletes": "create trigger t after insert on runs begin delete from runs; end",
    "text for numbers": "update experiments set creation_time = 'x'",
    "a number for a migration": "update alembic_version set version_num = 7",
    "a migration of bytes": "update alembic_version set version_num = x'ff'",
    "10^5 migrations": f"with recursive {COUNT} insert into alembic_version select x from c where x < 100000",
    "a table less": "drop table logged_models",
    "a column less": "alter table runs drop column end_time",
    "a column more": "alter table runs add column more text not null default 'x'",
    "a view for a table": "alter table params rename to p2; create view params as select * from p2",
    "a virtual table": "drop table params; create virtual table params using fts5(key, value, run_uuid)",
    "a function in an index": "create index slow on runs(hex(zeroblob(1000)))",
    "a function in a check": "create table more (a text check (a not like '%a%a%a%a%a%a%a%a%b'))",
    "a function in a default": "alter table runs add column more text default (hex(randomblob(1000)))",
    "doubled texts": f"create table more (g0 text, {DOUBLED.format(kind='text', plus='||')}); "
    "insert into more(g0) values ('x')",
    "doubled numbers in a check": f"create table more (g0 integer, {DOUBLED.format(kind='integer', plus='+')}, "
    "check (g29 <> 1)); insert into more(g0) values (1)",
    "an index on one status": "create unique index one on runs(status)",
    "a table that refers to runs": "create table more (a text references runs(run_uuid) on delete cascade)",
    "runs left open": "update runs set status = 'RUNNING', name = x'ff', start_time = 'x'",
    "2000 runs left open": f"with recursive {COUNT} insert into runs "
    "(run_uuid, status, lifecycle_stage, experiment_id) "
    "select printf('%032d', x), 'RUNNING', 'active', 1 from c where x < 2000",
    "20000 earlier places": f"with recursive {COUNT} insert into experiments "
    "(name, lifecycle_stage, artifact_location) "
    "select 'e' || x, 'active', 'file:///w' || x || '/mlartifacts' from c where x < 20000",
    "a name of 100 MB": "update experiments set name = hex(zeroblob(50000000)) || experiment_id",
    "an address of 100 MB": "update experiments set artifact_location = 'file:///' || hex(zeroblob(50000000))",
    "bytes for an address": "update experiments set artifact_location = x'ff00'",
    "no stage": "update experiments set lifecycle_stage = null; update runs set lifecycle_stage = null",
    "another workspace": "update experiments set workspace = 'evil'",
    "no workspaces": "delete from workspaces",
    "another user version": "pragma user_version = -1; pragma application_id = -1",
    "a log of its own": "pragma journal_mode = wal; update runs set name = 'x'",
}
BYTES = {"empty": b"", "text": b"x" * 5000, "a header alone": b"SQLite format 3\0", "zeros": bytes(8192)}


def database(case: Path) -> Path:
    return case / "base" / "mlflow.db"


def altered(statements: str) -> Put:
    def put(case: Path) -> None:
        with sqlite3.connect(database(case)) as connection:
            connection.executescript(statements.replace("{case}", str(case)))

    return put


def special(put: Put) -> Put:
    """A special file in the place of the database."""

    def both(case: Path) -> None:
        put(case)
        database(case).unlink()
        (case / "in" / "x").rename(database(case))

    return both


def inputs() -> Inputs:
    for place in PLACES:
        yield f"artefacts at {place!r}", altered(f"update experiments set artifact_location = '{place}'")
    for name, statement in STATEMENTS.items():
        yield name, altered(statement)
    for name, put in special_files("x").items():
        yield name, special(put)
    for name, data in BYTES.items():
        yield f"bytes: {name}", lambda case, data=data: database(case).write_bytes(data)
    yield "a journal beside it", lambda case: (case / "base" / "mlflow.db-journal").write_bytes(b"x" * 5000)
    yield (
        "a link as journal",
        lambda case: (case / "base" / "mlflow.db-journal").symlink_to(case / "precious" / "file"),
    )


door = Door(
    "mlflow.db",
    lambda _: None,
    {
        "publish": words("stage=publish", "workspace={case}/base"),
        "registry": words("stage=publish", UNTRACKED, "publish.mlflow_registry=true", "workspace={case}/base"),
    },
    parts=("base",),
)
door.add_all(inputs())
