"""The database of MLflow: its address, and the check that it has the schema of this MLflow and no foreign code."""

import re
import sqlite3
from pathlib import Path

SQLITE, ARTIFACTS = "sqlite:///", "mlartifacts"
# Another run writes for milliseconds; MLflow itself waits for 5 s.
BUSY_S = 3.0
MIGRATIONS = "alembic_version"
# The allowed code of MLflow: a trigger on a table that nothing here writes to, checks of a list, a computed column.
OWN = re.compile(
    r"""\ACREATE\ TRIGGER\ \w+\s+BEFORE\ UPDATE\ ON\ secrets\s.*\Z
    | CHECK\ \(\w+\ IN\ \(('\w+'|\d+)(,\ ('\w+'|\d+))*\)\)
    | GENERATED\ ALWAYS\ AS\ \(end_time_unix_nano\ -\ start_time_unix_nano\)""",
    re.DOTALL | re.VERBOSE,
)
WORDS = re.compile(r"\w+|\|\||->")
# The last two are operators, which lengthen texts and call a function. A computed column always has an 'as'.
RUN_BY_THEMSELVES = {"trigger", "view", "virtual", "check", "as", "||", "->"}
# A function that MLflow adds to its connections, and functions that share their names with columns of MLflow.
ADDED, NAMES_TOO = {"regexp"}, {"date", "json"}
SHOWN = 40


def database_of(uri: str) -> Path | None:
    """The database file of an address, `None` for a server or another database."""
    return Path(uri.removeprefix(SQLITE)).absolute() if uri.startswith(SQLITE) else None


def connected(path: Path) -> sqlite3.Connection:
    """A connection to an existing database file; raises `sqlite3.Error` where there is none."""
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_S)


def artifacts_address(path: Path) -> str:
    """The address of the folder of artefacts in the folder of a database."""
    return (path.parent / ARTIFACTS).as_uri()


def foreign_code(connection: sqlite3.Connection) -> str | None:
    """The first part of the schema that computes and is not from MLflow, as a clause; `None` where there is none.

    Code in a trigger, a view, a check, a column or an index may take hours or all memory at any access to its table,
    and SQLite runs some of it while it checks for damage. SQLite acts on the SQL text alone, so that only this text is
    searched.
    """
    known = {name.lower() for (name,) in connection.execute("SELECT name FROM pragma_function_list")}
    for name, text in connection.execute("SELECT name, CAST(sql AS TEXT) FROM sqlite_schema WHERE sql IS NOT NULL"):
        words = set(WORDS.findall(OWN.sub(" ", text).lower()))
        if found := words & (known | ADDED | RUN_BY_THEMSELVES) - NAMES_TOO:
            return f"has {max(found)!r} in its {str(name)[:SHOWN]}, which does not come from MLflow:"
    return None


def schema_difference(connection: sqlite3.Connection, upgrade: str) -> str | None:
    """The difference that keeps this MLflow from using the database, as a clause before the fix; `None` for none.

    `upgrade` is the command that upgrades the database.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    older = f"is no whole database of this MLflow's: if it is one of an older MLflow, run {upgrade}; else"
    if MIGRATIONS not in tables:
        return older
    rows = connection.execute(f"SELECT version_num FROM {MIGRATIONS} LIMIT 3")  # noqa: S608
    written = [str(revision)[:SHOWN] for (revision,) in rows]
    known, newest = migrations()
    if len(written) != 1:
        return f"has {' and '.join(written) or 'nothing'} in its {MIGRATIONS} instead of the one migration {newest}:"
    if written[0] not in known:
        return f"is at the migration {written[0]}, newer than this MLflow's {newest}: use the MLflow that made it; else"
    return older if written != [newest] else missing_part(connection, tables)


def migrations() -> tuple[set[str], str]:
    """The revisions of all migrations of this MLflow, and the newest one."""
    import mlflow
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    return {one.revision for one in scripts.walk_revisions()}, str(scripts.get_current_head())


def missing_part(connection: sqlite3.Connection, tables: set[str]) -> str | None:
    """The first missing table or column of MLflow, as a clause; `None` where all are there."""
    # This import declares the tables of all stores of MLflow.
    import mlflow.store.db.utils  # noqa: F401
    from mlflow.store.db.base_sql_model import Base

    for name, table in Base.metadata.tables.items():
        if name not in tables:
            return f"has no table {name}, which this MLflow's has:"
        there = {column for (column,) in connection.execute("SELECT name FROM pragma_table_xinfo(?)", (name,))}
        if missing := sorted({column.name for column in table.columns} - there):
            return f"has no column {missing[0]} in its table {name}, which this MLflow's has:"
    return None
