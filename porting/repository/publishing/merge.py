"""Variants of other published repositories beside one's own: the same file measured on several boxes becomes one."""

from collections.abc import Iterable
from pathlib import Path

from porting.repository.publishing.item import Item
from porting.repository.reader import Repository
from porting.repository.schema import Details
from porting.repository.serving import Files, write_model
from profiler.common.errors import BadInputError


def offered_by(repository: Repository, folder: Path) -> list[Item]:
    """The published variants of a repository, whose files are brought to `folder`; `BadInputError` for a wrong one."""
    return [brought(repository, name, folder) for name in repository.by_name]


def brought(repository: Repository, name: str, folder: Path) -> Item:
    """One variant with a copy of its present ONNX file, and of the input it is warmed up with."""
    files = Files.of(repository, name)
    files.check()
    path = folder / f"{files.published.onnx_sha256}.onnx"
    write_model(files, path)
    details = files.details.model_copy(update={"files": {}})
    return Item(details, files.published.parent, files.published.technique, path, files.example())


def merged(own: Iterable[Item], others: Iterable[Item]) -> list[Item]:
    """All variants, each once: with the profiles of all, and of two on one target the later one.

    Raises `BadInputError` where one name stands for two files.
    """
    found: dict[str, Item] = {}
    for item in (*own, *others):
        name = item.details.name
        found[name] = joined(found[name], item) if name in found else item
    return list(found.values())


def joined(one: Item, other: Item) -> Item:
    """One variant from two sources."""
    a, b = one.details, other.details
    if a.onnx_sha256 != b.onnx_sha256:
        raise BadInputError(
            f"{a.name} is two files, sha256 {a.onnx_sha256[:12]} and {b.onnx_sha256[:12]}: "
            "publish one of them under a task of its own, with task=NAME"
        )
    profiles = dict(a.profiles)
    for target, profile in b.profiles.items():
        if target not in profiles or profile.measured_at > profiles[target].measured_at:
            profiles[target] = profile
    details = Details.model_validate({**dict(a), "profiles": profiles})
    example = other.example if one.example is None else one.example
    return Item(details, one.parent, one.technique, one.onnx, example)
