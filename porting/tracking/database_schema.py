"""Checks of a database against the schema of this MLflow: its migration, its tables, and no code of others."""

import re
import sqlite3
from pathlib import Path

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
# A function that MLflow adds to its connections, and functions with the names of columns and types of MLflow.
ADDED, NAMES_TOO = {"regexp"}, {"date", "json"}
SHOWN = 40


def what_runs(connection: sqlite3.Connection) -> str | None:
    """The first part of the schema that computes and is not from MLflow, as a clause; `None` where there is none.

    Code in a trigger, a view, a check, a column or an index may take hours or all memory at any access to its table,
    and SQLite runs some of it while it checks for damage. SQLite acts on the SQL text alone, so that only this text is
    searched.
    """
    known = {name.lower() for (name,) in connection.execute("SELECT name FROM pragma_function_list")}
    for name, text in connection.execute("SELECT name, CAST(sql AS TEXT) FROM sqlite_schema WHERE sql IS NOT NULL"):
        words = set(WORDS.findall(OWN.sub(" ", text).lower()))
        if found := words & (known | ADDED | RUN_BY_THEMSELVES) - NAMES_TOO:
            return f"has {max(found)!r} in its {str(name)[:SHOWN]}, which MLflow does not put there:"
    return None


def unlike(connection: sqlite3.Connection, upgrade: str) -> str | None:
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
        return f"has {' and '.join(written) or 'nothing'} in its {MIGRATIONS}, where one migration stands, {newest}:"
    if written[0] not in known:
        return f"is at the migration {written[0]}, newer than this MLflow's {newest}: use the MLflow that made it; else"
    return older if written != [newest] else lacking(connection, tables)


def migrations() -> tuple[set[str], str]:
    """The revisions of all migrations of this MLflow, and the newest one."""
    import mlflow
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    return {one.revision for one in scripts.walk_revisions()}, str(scripts.get_current_head())


def lacking(connection: sqlite3.Connection, tables: set[str]) -> str | None:
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
