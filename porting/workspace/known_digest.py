"""The digest of a data set, kept beside the content of the files that it was computed from.

To compute it the pictures are decoded and the splits are drawn with torch. While the files, the code, the versions and
the processor are the same, it is the same.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from porting.configuration.annotations import source_of
from porting.configuration.components import NamedComponent
from porting.repository.schema import SHA256
from profiler.common.errors import BadInputError
from profiler.common.files import json_digest, read_record, sha256, write_record
from profiler.common.version import versions
from profiler.records.base import Record
from profiler.system.machine import cpu_model

FOLDER = "data"
OURS = "datamodules"
PACKAGES = ("torch", "torchvision", "lightning", "scikit-learn", "numpy", "pillow")
# The folder of a data set, a split's and a class's may be links; data modules follow no others.
LINKS = 2


class KnownDigest(Record):
    """`key` is of the component and of all code that reads the files, `content` of the files in `sources`."""

    key: str = Field(pattern=SHA256)
    sources: list[str]
    content: str = Field(pattern=SHA256)
    digest: str = Field(pattern=SHA256)


def read(root: Path, component: NamedComponent) -> KnownDigest | None:
    """What the workspace at `root` knows of a component's data; `None` where that is nothing, or no longer true."""
    if not is_ours(component):
        return None
    try:
        found = read_record(root / FOLDER / f"{component.name}.json", KnownDigest, "remove it")
    except BadInputError:
        return None
    return found if found.key == key_of(component) and found.content == content_of(found.sources) else None


def write(root: Path, component: NamedComponent, known: KnownDigest) -> None:
    """Keeps the digest in the workspace at `root`, in the place of the one before."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    write_record(root / FOLDER / f"{component.name}.json", known)


def forget(root: Path, component: NamedComponent) -> None:
    """Removes what the workspace at `root` knows of a component's data."""
    (root / FOLDER / f"{component.name}.json").unlink(missing_ok=True)


def is_ours(component: NamedComponent) -> bool:
    """Whether a data module is one of the project's own, and so tells all files that it reads.

    What else one from elsewhere reads, or a component among the arguments, nobody knows.
    """
    return component.target.startswith(f"{OURS}.") and "_target_" not in json_keys(component.arguments())


def json_keys(value: Any) -> set[str]:
    """The keys in a JSON value, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(json_keys, value.values()))
    return set().union(*map(json_keys, value)) if isinstance(value, list) else set()


def key_of(component: NamedComponent) -> str:
    """The digest of what decides the data beside their files, the places of this machine among it."""
    package = source_of(OURS)
    sources = [] if package is None else sorted(package.parent.glob("*.py"))
    return json_digest(
        {
            "component": component.model_dump(mode="json"),
            "code": [[path.name, sha256(path)] for path in sources],
            "versions": versions(PACKAGES),
            "python": [sys.version, sys.prefix],
            "processor": cpu_model(),
        }
    )


def content_of(sources: Sequence[str]) -> str | None:
    """The digest of the names and contents of all files at some places; `None` where one cannot be read."""
    try:
        return json_digest([list(lines(Path(source))) for source in sources])
    except (OSError, BadInputError):
        return None


def lines(place: Path, links: int = LINKS) -> Iterator[str]:
    """The digest of a file, or each name in a folder before what it names; a pipe or a device is not opened."""
    if place.is_dir():
        for inner in sorted(place.iterdir()):
            yield inner.name
            if links or not (inner.is_symlink() and inner.is_dir()):
                yield from lines(inner, max(links - 1, 0))
        yield ""
    else:
        yield sha256(place) if place.is_file() else "no file"
