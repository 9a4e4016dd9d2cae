"""The folder of a published variant as Triton loads it."""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from porting.repository.publishing.offers import Offer
from porting.repository.reader import DETAILS, Repository
from porting.repository.schema import Details, Published, Summary
from porting.repository.triton_files import WARM_UP, texts
from profiler.common.errors import BadInputError
from profiler.common.files import sha256


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


def next_version(details: Details, previous: Repository | None) -> int:
    """The Triton version of a file: unchanged for the same file, the next number for another one."""
    entries = (*previous.index.variants, *previous.index.dropped) if previous else ()
    before = next((variant for variant in entries if variant.name == details.name), None)
    if before is None:
        return 1
    return before.version if before.onnx_sha256 == details.onnx_sha256 else before.version + 1
