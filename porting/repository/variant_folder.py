"""A variant's folder as Triton loads it."""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from porting.repository.item import Item
from porting.repository.reader import DETAILS, Repository
from porting.repository.schema import Details, Published, Summary
from profiler.common.errors import BadInputError
from profiler.common.files import sha256
from profiler.common.profile_settings import MAX_BATCH
from profiler.common.tensor import Tensor
from profiler.records.profile import Profile
from profiler.triton.config import ServingSettings, model_config, to_text

CONFIG, LABELS, EXAMPLE = "config.pbtxt", "labels.txt", "example"
WARM_UP = f"warmup/{EXAMPLE}"


def write_variant(folder: Path, item: Item, summary: Summary, older: Iterable[tuple[str, bytes]]) -> Published:
    """The variant's folder as Triton loads it; `older` are the files of earlier versions by their paths.

    Raises `BadInputError` where the offered file is not the one that the details speak of.
    """
    details = item.details
    home = folder / details.name
    home.mkdir()
    for path, content in older:
        write(home / path, content)
    served = home / str(summary.version) / "model.onnx"
    served.parent.mkdir()
    shutil.copyfile(item.onnx, served)
    if sha256(served) != details.onnx_sha256:
        raise BadInputError(f"{item.onnx} is not the file that was profiled as {details.name}: publish again")
    if item.example is not None:
        write(home / WARM_UP, item.example.astype("<f4").tobytes())
    for path, text in texts(details, item.example is not None).items():
        write(home / path, text.encode())
    files = {path.relative_to(home).as_posix(): sha256(path) for path in sorted(home.rglob("*")) if path.is_file()}
    content = details.model_copy(update={"files": files}).model_dump_json(indent=1).encode()
    (home / DETAILS).write_bytes(content)
    return Published.model_validate({**dict(summary), "details_sha256": hashlib.sha256(content).hexdigest()})


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def next_version(details: Details, previous: Repository | None) -> int:
    """The Triton version of a file: the one that it has already, or the one after that of another file."""
    everyone = (*previous.index.variants, *previous.index.dropped) if previous else ()
    before = next((variant for variant in everyone if variant.name == details.name), None)
    if before is None:
        return 1
    return before.version if before.onnx_sha256 == details.onnx_sha256 else before.version + 1


def config_file(target: str) -> str:
    """Where a variant's configuration for a target lies."""
    return f"configs/{target}.pbtxt"


def texts(details: Details, warm: bool) -> dict[str, str]:
    """By path, the texts in a variant's folder, which follow from its details; `warm` where it has a warm-up input."""
    configs = {config_file(target): config_text(details, profile, warm) for target, profile in details.profiles.items()}
    labels = {LABELS: "\n".join(details.labels) + "\n"} if details.labels else {}
    return {CONFIG: next(iter(configs.values())), **configs, **labels} if configs else labels


def config_text(details: Details, profile: Profile, warm: bool) -> str:
    """The `config.pbtxt` with which a profile was measured; `warm` it answers a real input before it is ready.

    Raises `BadInputError` for settings that no configuration can hold.
    """
    try:
        return to_text(config_of(details, profile, warm))
    except (ValueError, OverflowError) as error:
        raise BadInputError(
            f"{details.name} cannot be served as it was measured on {profile.target_name} ({error}): profile it again"
        ) from error


def config_of(details: Details, profile: Profile, warm: bool) -> ModelConfig:
    """The same as a message; raises `ValueError` for a number that it cannot hold."""
    target = profile.target
    serving = ServingSettings(target.threads, target.instances, MAX_BATCH, target.providers)
    source, sink = details.input, details.output
    config = model_config(
        Tensor(source.name, tuple(source.shape)),
        Tensor(sink.name, tuple(sink.shape)),
        serving,
        {"variant": details.name},
        LABELS if details.labels else None,
    )
    best = profile.best_throughput()
    for batch in sorted({1, best.batch if best else 1}) if warm else ():
        request = config.model_warmup.add(name=f"batch {batch}", batch_size=batch)
        request.inputs[source.name].data_type = config.input[0].data_type
        request.inputs[source.name].dims.extend(source.shape)
        request.inputs[source.name].input_data_file = EXAMPLE
    return config
