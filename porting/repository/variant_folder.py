"""A variant's folder as Triton loads it."""

import hashlib
import shutil
from pathlib import Path

from porting.repository.item import Item
from porting.repository.reader import DETAILS, Repository
from porting.repository.schema import Details, Published, Summary
from profiler.level import MAX_BATCH
from profiler.records.profile import Profile
from profiler.runtimes.session import Tensor
from profiler.triton.config import ServingSettings, model_config, to_text


def write_variant(folder: Path, item: Item, summary: Summary, previous: Repository | None) -> Published:
    """The variant's folder as Triton loads it; another file under an old name becomes the next version."""
    details = item.details
    home = folder / details.name
    home.mkdir()
    number = take_over_versions(home, details, previous)
    (home / str(number)).mkdir(exist_ok=True)
    shutil.copyfile(item.onnx, home / str(number) / "model.onnx")
    if details.labels:
        (home / "labels.txt").write_text("\n".join(details.labels) + "\n")
    configs = {target: config_text(details, profile) for target, profile in details.profiles.items()}
    (home / "configs").mkdir()
    for target, text in configs.items():
        (home / "configs" / f"{target}.pbtxt").write_text(text)
    (home / "config.pbtxt").write_text(next(iter(configs.values())))
    content = details.model_dump_json(indent=1).encode()
    (home / DETAILS).write_bytes(content)
    return Published.model_validate(
        {**dict(summary), "version": number, "details_sha256": hashlib.sha256(content).hexdigest()}
    )


def take_over_versions(home: Path, details: Details, previous: Repository | None) -> int:
    """Copies the versions published before under this name, and returns the number of the one to write."""
    before = next((v for v in previous.variants if v.name == details.name), None) if previous else None
    if previous is None or before is None:
        return 1
    for old in (previous.root / details.name).glob("[0-9]*"):
        shutil.copytree(old, home / old.name)
    return before.version if before.onnx_sha256 == details.onnx_sha256 else before.version + 1


def config_text(details: Details, profile: Profile) -> str:
    """The `config.pbtxt` with which a profile was measured."""
    serving = ServingSettings(profile.target.threads, profile.target.instances, MAX_BATCH)
    source, sink = details.input, details.output
    return to_text(
        model_config(
            Tensor(source.name, tuple(source.shape)),
            Tensor(sink.name, tuple(sink.shape)),
            serving,
            {"variant": details.name},
            "labels.txt" if details.labels else None,
        )
    )
