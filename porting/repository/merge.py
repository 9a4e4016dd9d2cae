"""Variants of other published repositories beside one's own: the same file measured on several boxes becomes one."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from porting.repository.item import Item
from porting.repository.reader import Repository
from porting.repository.schema import Details, Published
from porting.repository.variant_folder import EXAMPLE
from profiler.errors import BadInputError
from profiler.files import sha256

ONNX_LIMIT_BYTES = 1 << 31


def offered_by(repository: Repository, folder: Path) -> list[Item]:
    """The published variants of a repository, whose files are brought to `folder`; `BadInputError` for a wrong one."""
    return [brought(repository, variant, folder) for variant in repository.variants]


def brought(repository: Repository, variant: Published, folder: Path) -> Item:
    """One variant with a copy of its present ONNX file, and of the input it is warmed up with."""
    details = repository.details(variant.name).model_copy(update={"files": {}})
    path = folder / f"{variant.onnx_sha256}.onnx"
    path.write_bytes(
        repository.root.read(variant.name, str(variant.version), "model.onnx", limit_bytes=ONNX_LIMIT_BYTES)
    )
    if sha256(path) != variant.onnx_sha256 or details.onnx_sha256 != variant.onnx_sha256:
        raise BadInputError(f"{repository.root}/{variant.name} has another file than its index says: publish it again")
    size_bytes = 4 * int(np.prod(details.input.shape))
    try:
        content = repository.root.read(variant.name, "warmup", EXAMPLE, limit_bytes=size_bytes)
    except BadInputError:
        return Item(details, variant.parent, variant.technique, path)
    example = np.frombuffer(content, dtype="<f4").reshape(details.input.shape)
    return Item(details, variant.parent, variant.technique, path, example)


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
