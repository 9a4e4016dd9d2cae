"""What a database of this MLflow's is made of: one migration, MLflow's tables, and nothing that runs by itself."""

import re
import sqlite3
from pathlib import Path

MIGRATIONS = "alembic_version"
# MLflow's own trigger, on a table that nothing here writes to; its checks of a list of values; its computed column.
OWN = re.compile(
    r"""\ACREATE\ TRIGGER\ \w+\s+BEFORE\ UPDATE\ ON\ secrets\s.*\Z
    | CHECK\ \(\w+\ IN\ \(('\w+'|\d+)(,\ ('\w+'|\d+))*\)\)
    | GENERATED\ ALWAYS\ AS\ \(end_time_unix_nano\ -\ start_time_unix_nano\)""",
    re.DOTALL | re.VERBOSE,
)
WORDS = re.compile(r"\w+|\|\||->")
# The last two are operators: one makes texts longer, one is a function. A computed column has an 'as' in any case.
RUN_BY_THEMSELVES = {"trigger", "view", "virtual", "check", "as", "||", "->"}
# A function that MLflow adds to its connections, and those whose names its columns and types have too.
ADDED, NAMES_TOO = {"regexp"}, {"date", "json"}
SHOWN = 40


def what_runs(connection: sqlite3.Connection) -> str | None:
    """The first part of the schema that computes and is not MLflow's own; `None` where none is.

    What a trigger, a view, a check, a column or an index computes may take hours or all memory wherever the table is
    read or written, and SQLite computes some of it as it looks for damage.
    It goes by the text of what it has created, whatever the other columns of its own table say.
    """
    known = {name.lower() for (name,) in connection.execute("SELECT name FROM pragma_function_list")}
    for name, text in connection.execute("SELECT name, CAST(sql AS TEXT) FROM sqlite_schema WHERE sql IS NOT NULL"):
        words = set(WORDS.findall(OWN.sub(" ", text).lower()))
        if found := words & (known | ADDED | RUN_BY_THEMSELVES) - NAMES_TOO:
            return f"has {max(found)!r} in its {str(name)[:SHOWN]}, which MLflow does not put there:"
    return None


def unlike(connection: sqlite3.Connection, upgrade: str) -> str | None:
    """What keeps this MLflow from using the database; `None` where nothing does. `upgrade` is the command for that.

    In words that the fix follows.
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
    """The migrations that this MLflow knows, and the newest."""
    import mlflow
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    return {one.revision for one in scripts.walk_revisions()}, str(scripts.get_current_head())


def lacking(connection: sqlite3.Connection, tables: set[str]) -> str | None:
    """The first table or column of MLflow's that the database does not have."""
    # It declares the tables of all of MLflow's stores.
    import mlflow.store.db.utils  # noqa: F401
    from mlflow.store.db.base_sql_model import Base

    for name, table in Base.metadata.tables.items():
        if name not in tables:
            return f"has no table {name}, which this MLflow's has:"
        there = {column for (column,) in connection.execute("SELECT name FROM pragma_table_xinfo(?)", (name,))}
        if missing := sorted({column.name for column in table.columns} - there):
            return f"has no column {missing[0]} in its table {name}, which this MLflow's has:"
    return None
