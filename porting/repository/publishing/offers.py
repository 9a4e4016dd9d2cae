"""Variants offered for publication, from the workspace and from other repositories."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from porting.repository.reader import Repository
from porting.repository.schema import Details
from porting.repository.serving_folder import write_model
from porting.repository.variant_files import VariantFiles
from profiler.common.errors import BadInputError


@dataclass(frozen=True)
class Offer:
    """A variant that is offered for publication: its details, its lineage, and its ONNX file.

    `example` is a real input (C, H, W) for the warm-up of a server, if one is known.
    """

    details: Details
    parent: str | None
    technique: list[str]
    onnx: Path
    example: NDArray[np.float32] | None = None


def offered_by(repository: Repository, folder: Path) -> list[Offer]:
    """The published variants of a repository, copied to `folder`; raises `BadInputError` for a changed file."""
    return [brought(repository, name, folder) for name in repository.by_name]


def brought(repository: Repository, name: str, folder: Path) -> Offer:
    """One variant with a copy of its newest ONNX file and its warm-up input."""
    files = VariantFiles.of(repository, name)
    files.check()
    path = folder / f"{files.published.onnx_sha256}.onnx"
    write_model(files, path)
    details = files.details.model_copy(update={"files": {}})
    return Offer(details, files.published.parent, files.published.technique, path, files.example())


def merged(own: Iterable[Offer], others: Iterable[Offer]) -> list[Offer]:
    """All variants, each once, with the profiles of all sources; of two profiles on one target the later one.

    Raises `BadInputError` where two files have one name.
    """
    found: dict[str, Offer] = {}
    for offer in (*own, *others):
        name = offer.details.name
        found[name] = joined(found[name], offer) if name in found else offer
    return list(found.values())


def joined(one: Offer, other: Offer) -> Offer:
    """One variant of two sources; raises `BadInputError` where their files differ."""
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
    return Offer(details, one.parent, one.technique, one.onnx, example)
