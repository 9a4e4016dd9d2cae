"""A variant's folder as Triton loads it."""

import hashlib
import shutil
from pathlib import Path

from porting.repository.item import Item
from porting.repository.reader import DETAILS, Repository
from porting.repository.schema import Details, Published, Summary
from profiler.files import sha256
from profiler.level import MAX_BATCH
from profiler.records.profile import Profile
from profiler.runtimes.session import Tensor
from profiler.triton.config import ServingSettings, model_config, to_text

EXAMPLE = "example"


def write_variant(folder: Path, item: Item, summary: Summary, previous: Repository | None) -> Published:
    """The variant's folder as Triton loads it; another file under an old name becomes the next version."""
    details = item.details
    home = folder / details.name
    home.mkdir()
    take_over_versions(home, details.name, previous)
    (home / str(summary.version)).mkdir(exist_ok=True)
    shutil.copyfile(item.onnx, home / str(summary.version) / "model.onnx")
    if details.labels:
        (home / "labels.txt").write_text("\n".join(details.labels) + "\n")
    if item.example is not None:
        (home / "warmup").mkdir()
        (home / "warmup" / EXAMPLE).write_bytes(item.example.astype("<f4").tobytes())
    warm = item.example is not None
    configs = {target: config_text(details, profile, warm) for target, profile in details.profiles.items()}
    (home / "configs").mkdir()
    for target, text in configs.items():
        (home / "configs" / f"{target}.pbtxt").write_text(text)
    (home / "config.pbtxt").write_text(next(iter(configs.values())))
    files = {path.relative_to(home).as_posix(): sha256(path) for path in sorted(home.rglob("*")) if path.is_file()}
    content = details.model_copy(update={"files": files}).model_dump_json(indent=1).encode()
    (home / DETAILS).write_bytes(content)
    return Published.model_validate({**dict(summary), "details_sha256": hashlib.sha256(content).hexdigest()})


def next_version(details: Details, previous: Repository | None) -> int:
    """The Triton version of a file: the one that it has already, or the one after that of another file."""
    everyone = (*previous.index.variants, *previous.index.dropped) if previous else ()
    before = next((variant for variant in everyone if variant.name == details.name), None)
    if before is None:
        return 1
    return before.version if before.onnx_sha256 == details.onnx_sha256 else before.version + 1


def take_over_versions(home: Path, name: str, previous: Repository | None) -> None:
    """Copies the versions that were published before under this name."""
    if previous is not None and name in previous.by_name:
        for old in (previous.root.local / name).glob("[0-9]*"):
            shutil.copytree(old, home / old.name)


def config_text(details: Details, profile: Profile, warm: bool) -> str:
    """The `config.pbtxt` with which a profile was measured; `warm` it answers a real input before it is ready."""
    target = profile.target
    serving = ServingSettings(target.threads, target.instances, MAX_BATCH, target.providers)
    source, sink = details.input, details.output
    config = model_config(
        Tensor(source.name, tuple(source.shape)),
        Tensor(sink.name, tuple(sink.shape)),
        serving,
        {"variant": details.name},
        "labels.txt" if details.labels else None,
    )
    best = profile.best_throughput()
    for batch in sorted({1, best.batch if best else 1}) if warm else ():
        request = config.model_warmup.add(name=f"batch {batch}", batch_size=batch)
        request.inputs[source.name].data_type = config.input[0].data_type
        request.inputs[source.name].dims.extend(source.shape)
        request.inputs[source.name].input_data_file = EXAMPLE
    return to_text(config)
