"""Variants that are offered for publication: from the workspace, from other repositories, and as folders for Triton."""

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from porting.repository.reader import DETAILS, Repository
from porting.repository.schema import Details, Published, Summary
from porting.repository.serving_folder import write_model
from porting.repository.variant_files import WARM_UP, VariantFiles, texts
from profiler.common.errors import BadInputError
from profiler.common.files import sha256


@dataclass(frozen=True)
class Offer:
    """A variant that is offered for publication; `example` is a real input (C, H, W) for the warm-up of a server."""

    details: Details
    parent: str | None
    technique: list[str]
    onnx: Path
    example: NDArray[np.float32] | None = None


def offered_by(repository: Repository, folder: Path) -> list[Offer]:
    """The variants of a repository, their ONNX files copied to `folder`; raises `BadInputError` for a changed file."""
    offers = []
    for name in repository.by_name:
        files = VariantFiles.of(repository, name)
        files.check()
        path = folder / f"{files.published.onnx_sha256}.onnx"
        write_model(files, path)
        details = files.details.model_copy(update={"files": {}})
        offers.append(Offer(details, files.published.parent, files.published.technique, path, files.example()))
    return offers


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


def write_variant(folder: Path, offer: Offer, summary: Summary, older: Iterable[tuple[str, bytes]]) -> Published:
    """Writes the variant's folder and returns its index record; `older` are paths and contents of earlier versions.

    Raises `BadInputError` where the offered file is not the one of the details.
    """
    details = offer.details
    home = folder / details.name
    home.mkdir()
    for path, content in older:
        write(home / path, content)
    served = home / str(summary.version) / "model.onnx"
    served.parent.mkdir()
    shutil.copyfile(offer.onnx, served)
    if sha256(served) != details.onnx_sha256:
        raise BadInputError(f"{offer.onnx} is not the file that was profiled as {details.name}: publish again")
    if offer.example is not None:
        write(home / WARM_UP, offer.example.astype("<f4").tobytes())
    for path, text in texts(details, offer.example is not None).items():
        write(home / path, text.encode())
    files = {path.relative_to(home).as_posix(): sha256(path) for path in sorted(home.rglob("*")) if path.is_file()}
    content = details.model_copy(update={"files": files}).model_dump_json(indent=1).encode()
    (home / DETAILS).write_bytes(content)
    return Published.model_validate({**dict(summary), "details_sha256": hashlib.sha256(content).hexdigest()})


def write(path: Path, content: bytes) -> None:
    """Writes a file and makes the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
