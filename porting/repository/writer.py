"""Writing a repository: a whole folder beside the old one, then one link that changes its aim."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from porting.files import digest, remove, whole_folder
from porting.repository.figure import draw_frontier
from porting.repository.index_text import to_text
from porting.repository.item import Item
from porting.repository.ranking import fingerprints, summaries
from porting.repository.reader import INDEX, Repository
from porting.repository.report import render_report
from porting.repository.schema import Details, Index
from porting.repository.variant_folder import next_version, write_variant
from profiler.errors import BadInputError
from profiler.files import sha256

SCHEMA, REPORT, FIGURE = "repository.schema.json", "report.html", "frontier.png"


def repository_key(items: Sequence[Item]) -> str:
    """The hash of what is to be published, whenever that is."""
    offered = [(item.details.model_dump(mode="json"), item.example is not None) for item in items]
    return digest([version("dnn-porting"), *offered])


def publish(root: Path, items: Sequence[Item]) -> Repository:
    """Replaces the repository at `root` whole; raises `BadInputError` where `root` is somebody else's folder."""
    if root.exists() and not root.is_symlink():
        raise BadInputError(f"{root} is a folder that this program did not write: move it away")
    key = repository_key(items)
    previous = readable(root)
    targets = fingerprints(items)
    versions = [next_version(item.details, previous) for item in items]
    with whole_folder(root.parent / f".repository-{key[:12]}") as folder:
        published, dropped = [], []
        for item, summary in zip(items, summaries(items, list(targets), versions), strict=True):
            if any(standing.on_frontier for standing in summary.targets.values()):
                published.append(write_variant(folder, item, summary, previous))
            else:
                dropped.append(summary)
        index = Index(
            key=key,
            generator=f"dnn-porting {version('dnn-porting')}",
            published_at=datetime.now(UTC),
            targets=targets,
            variants=published,
            dropped=dropped,
        )
        (folder / INDEX).write_text(to_text(index))
        schema = {"index": Index.model_json_schema(), "details": Details.model_json_schema()}
        (folder / SCHEMA).write_text(json.dumps(schema, indent=1))
        draw_frontier(index, folder / FIGURE)
        (folder / REPORT).write_text(render_report(index, [item.details for item in items]))
    swap(root, root.parent / f".repository-{key[:12]}")
    return Repository.load(root)


def readable(root: Path) -> Repository | None:
    """The repository at `root`, `None` where there is none or it is broken: then it is written anew."""
    try:
        return Repository.load(root)
    except BadInputError:
        return None


def is_whole(repository: Repository) -> bool:
    """Whether every file that the index and the details speak of is there and is the one they speak of."""
    try:
        return all(
            sha256(repository.root.local / name / path) == expected
            for name in repository.by_name
            for path, expected in repository.details(name).files.items()
        )
    except (BadInputError, OSError):
        return False


def swap(root: Path, folder: Path) -> None:
    """Aims the link `root` at `folder` in one step, and removes all but the one it aimed at before."""
    before = root.resolve() if root.is_symlink() else None
    temporary = root.with_name(f".{root.name}-link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name)
    temporary.replace(root)
    for old in root.parent.glob(".repository-*"):
        if old.is_dir() and not old.is_symlink() and old.resolve() not in (folder.resolve(), before):
            remove(old)
