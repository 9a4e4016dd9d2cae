"""Hostile databases of MLflow's."""

import sqlite3
from pathlib import Path

from hostile.door import Door, Inputs, Put, words
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
}
BYTES = {"empty": b"", "text": b"x" * 5000, "a header alone": b"SQLite format 3\0", "zeros": bytes(8192)}


def database(case: Path) -> Path:
    return case / "base" / "mlflow.db"


def altered(*statements: str) -> Put:
    def put(case: Path) -> None:
        with sqlite3.connect(database(case)) as connection:
            for statement in statements:
                connection.execute(statement.replace("{case}", str(case)))

    return put


def special(put: Put) -> Put:
    """What is no plain file in its place."""

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
    {"publish": words("stage=publish", "workspace={case}/base")},
    parts=("base",),
)
door.add_all(inputs())
