"""The stored digest of a data set, with a digest of the files from which it was computed.

Computing it decodes all images and draws the splits with torch. It depends only on the files, the code, the versions
and the processor.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from porting.configuration.annotations import source_of
from porting.configuration.components import NamedComponent
from porting.configuration.recorded import every
from porting.repository.schema import SHA256
from profiler.common.errors import BadInputError
from profiler.common.files import json_digest, read_record, sha256, write_record
from profiler.common.version import versions
from profiler.records.base import Record
from profiler.system.machine import cpu_model

FOLDER = "data"
PACKAGE = "datamodules"
PACKAGES = ("torch", "torchvision", "lightning", "scikit-learn", "numpy", "pillow")
# Data modules follow links only to the folders of a data set, a split and a class.
LINKS = 2


class KnownDigest(Record):
    """A stored digest: `key` covers the component and the code that reads files, `content` the files in `sources`."""

    key: str = Field(pattern=SHA256)
    sources: list[str]
    content: str = Field(pattern=SHA256)
    digest: str = Field(pattern=SHA256)


def read(root: Path, component: NamedComponent) -> KnownDigest | None:
    """The stored digest of the data of a component in the workspace `root`; `None` where there is no valid one."""
    if not has_known_sources(component):
        return None
    try:
        found = read_record(root / FOLDER / f"{component.name}.json", KnownDigest, "remove it")
    except BadInputError:
        return None
    return found if found.key == key_of(component) and found.content == content_of(found.sources) else None


def write(root: Path, component: NamedComponent, known: KnownDigest) -> None:
    """Stores the digest in the workspace `root`."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    write_record(root / FOLDER / f"{component.name}.json", known)


def forget(root: Path, component: NamedComponent) -> None:
    """Removes the stored digest of the data of a component."""
    (root / FOLDER / f"{component.name}.json").unlink(missing_ok=True)


def has_known_sources(component: NamedComponent) -> bool:
    """Whether a data module belongs to the project and has no component as argument.

    Other modules may read further files.
    """
    return component.target.startswith(f"{PACKAGE}.") and len(every(component)) == 1


def key_of(component: NamedComponent) -> str:
    """The digest of all but the files that decides the data: component with its paths, code, versions and processor."""
    package = source_of(PACKAGE)
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
    """The digest of the names and contents of all files in `sources`; `None` where one cannot be read."""
    try:
        return json_digest([list(lines(Path(source))) for source in sources])
    except (OSError, BadInputError):
        return None


def lines(place: Path, links: int = LINKS) -> Iterator[str]:
    """Yields the digest of a file, or, for a folder, each name with the lines of its entry; pipes are not opened."""
    if place.is_dir():
        for inner in sorted(place.iterdir()):
            yield inner.name
            if links or not (inner.is_symlink() and inner.is_dir()):
                yield from lines(inner, max(links - 1, 0))
        yield ""
    else:
        yield sha256(place) if place.is_file() else "no file"
