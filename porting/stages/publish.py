"""publish: every profiled variant of the workspace against the others, and the frontier as a Triton repository."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from porting.console import say
from porting.files import remove_unfinished
from porting.records import OnnxFile, Variant
from porting.repository import Repository
from porting.repository.item import Item
from porting.repository.merge import merged, offered_by
from porting.repository.schema import Details
from porting.repository.store import upload
from porting.repository.writer import is_whole, publish, readable, repository_key
from porting.settings import PublishSettings
from porting.workspace import EXAMPLE, ONNX, PREDICTIONS, REPOSITORY, Workspace
from profiler.errors import BadInputError
from profiler.locks import exclusive
from profiler.records.profile import Profile
from profiler.scratch import scratch


def publish_workspace(workspace: Workspace, settings: PublishSettings) -> tuple[Repository, bool]:
    """The repository of all tasks, others merged in and copied to every store, and whether it was there already.

    Raises `BadInputError` where nothing is profiled, and where another repository cannot be merged in.
    """
    root = workspace.root / REPOSITORY
    with exclusive(workspace.root / ".publish.lock", f"{root}"), scratch("publish") as made:
        remove_unfinished(workspace.root)
        brought = [item for url in settings.others for item in offered_by(Repository.load(url), made.folder)]
        items = merged(profiled(workspace), brought)
        if not items:
            raise BadInputError(f"nothing in {workspace.root} is profiled: run stage=profile first")
        current = readable(root)
        same = current is not None and current.index.key == repository_key(items) and is_whole(current)
        repository = current if current is not None and same else publish(root, items)
        for url in settings.stores:
            say(f"publish   copied to {upload(root, url)}")
    return repository, same


def profiled(workspace: Workspace) -> list[Item]:
    """Every variant with a profile, in the order of its making."""
    found = []
    for task in workspace.tasks():
        for variant in workspace.variants(task):
            everything = workspace.profiles(variant).items()
            profiles = {target: profile for target, profile in everything if profile.best_throughput() is not None}
            if variant.onnx is not None and profiles:
                workspace.check_files(variant)
                found.append(item(workspace, variant, variant.onnx, profiles))
    return found


def item(workspace: Workspace, variant: Variant, file: OnnxFile, profiles: dict[str, Profile]) -> Item:
    """A variant as the repository takes it."""
    unknown = {name: variant.reasons[name] for name in ("labels", "preprocessing") if name in variant.reasons}
    details = Details(
        name=variant.name,
        task=variant.task,
        backbone=variant.backbone,
        precision=file.precision,
        valid_on=file.valid_on,
        labels=variant.labels,
        preprocessing=variant.preprocessing,
        input=file.input,
        output=file.output,
        onnx_sha256=file.sha256,
        opset=file.opset,
        validation_accuracy=file.validation_accuracy,
        test_accuracy=file.test_accuracy,
        lineage=variant.lineage,
        profiles=profiles,
        reasons=unknown | {name: reason for name, reason in file.reasons.items() if name in Details.model_fields},
    )
    folder = workspace.folder(variant)
    return Item(details, variant.parent, variant.technique, folder / ONNX, example(folder / PREDICTIONS))


def example(path: Path) -> NDArray[np.float32] | None:
    """The real input that lies with the predictions, where there is one."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as arrays:
        found: NDArray[np.float32] | None = arrays.get(EXAMPLE, None)
        return found
