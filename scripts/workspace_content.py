"""The results of a run in its workspace, as digests that do not depend on the time or the place."""

import hashlib
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

TIMES = {"seconds", "published_at", "details_sha256", "seal"}
# These values of an index follow from the time too.
OF_ITS_DATE = {"key", "files"}


def content(workspace: Path) -> dict[str, Any]:
    """The results of a run: every file by its digest, without times and without MLflow's random names."""
    found: dict[str, Any] = {"MLflow": runs(workspace / "mlflow.db")}
    present = (workspace / "repository").resolve().name
    for path in sorted(workspace.rglob("*")):
        name = str(path.relative_to(workspace))
        if name.startswith(present):
            name = f"repository{name.removeprefix(present)}"
        elif name.startswith(".repository-"):
            # The previous publication.
            continue
        if not name.startswith("mlartifacts/") and path.is_file() and not path.is_symlink():
            found[name] = digest(path, name)
    found["repository whole"] = whole(workspace / "repository")
    return found


def digest(path: Path, name: str) -> Any:
    """The digest of the content that does not depend on the time or the workspace's place."""
    if name == "mlflow.db" or name.endswith(("report.html", "frontier.png")):
        return "there"
    text = path.read_bytes()
    if path.suffix == ".json":
        text = json.dumps(without_times(json.loads(text), name == "repository/repository.json")).encode()
    elif path.name == "config.yaml":
        text = re.sub(rb"(?m)^workspace: .*$", b"", text)
    return hashlib.sha256(text).hexdigest()


def without_times(value: Any, index: bool = False) -> Any:
    if isinstance(value, dict):
        return {
            key: without_times(one)
            for key, one in value.items()
            if key not in TIMES | (OF_ITS_DATE if index else set())
        }
    return [without_times(one) for one in value] if isinstance(value, list) else value


def whole(root: Path) -> str:
    """Whether a reader finds the repository whole."""
    from porting.repository import Repository
    from porting.repository.integrity import is_whole

    return "yes" if is_whole(Repository.load(root)) else "no"


def runs(database: Path) -> str:
    """Whether MLflow's database has a finished run, and none that is still open."""
    with closing(sqlite3.connect(database)) as connection:
        states = {state for (state,) in connection.execute("SELECT status FROM runs")}
    return "finished" if "FINISHED" in states and "RUNNING" not in states else f"{states}"


def differences(expected: dict[str, Any], found: dict[str, Any], measured: bool) -> list[str]:
    """The missing, new or different files; a measured profile and its consequences must only exist."""
    if measured:
        free = ("/profiles/", "/samples/", "repository/")
        expected, found = (
            {k: v for k, v in one.items() if not any(part in k for part in free)} for one in (expected, found)
        )
    return [
        f"{name} differs" for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)
    ]
