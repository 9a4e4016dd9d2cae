"""publish: every profiled variant of the workspace against the others, and the frontier as a Triton repository."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from porting.console import say
from porting.files import remove_unfinished
from porting.records import OnnxFile, Variant
from porting.repository import Repository
from porting.repository.item import Item
from porting.repository.left_out import left_out
from porting.repository.merge import merged, offered_by
from porting.repository.schema import Details
from porting.repository.serving import is_whole
from porting.repository.store import upload
from porting.repository.writer import publish, readable, remove_older, repository_key, sign
from porting.settings import PublishSettings
from porting.workspace import EXAMPLE, ONNX, PREDICTIONS, REPOSITORY, Workspace
from profiler.door import arrays
from profiler.errors import BadInputError
from profiler.locks import exclusive
from profiler.records.profile import Profile
from profiler.scratch import scratch


def publish_workspace(workspace: Workspace, settings: PublishSettings) -> tuple[Repository, bool]:
    """The repository of all tasks, others merged in and copied to every store, and whether it was there already.

    Says which variants are not in any more. Raises `BadInputError` where nothing is profiled, and where another
    repository cannot be merged in.
    """
    root = workspace.root / REPOSITORY
    with exclusive(workspace.root / ".publish.lock", f"{root}"), scratch("publish") as made:
        remove_unfinished(workspace.root)
        others = [Repository.load(url, settings.public_key) for url in settings.others]
        items = merged(profiled(workspace), [item for other in others for item in offered_by(other, made.folder)])
        if not items:
            raise BadInputError(f"nothing in {workspace.root} is profiled: run stage=profile first")
        current = readable(root)
        same = current is not None and current.index.key == repository_key(items) and is_whole(current)
        if current is not None and same:
            repository = current
            remove_older(root)
            if settings.sign is not None:
                sign(current, settings.sign)
        else:
            damaged = current is None and root.is_symlink()
            repository = publish(root, items, settings.sign)
            for line in left_out(current, repository) if current is not None else ():
                say(f"publish   {line}")
            if damaged:
                say("publish   the repository before cannot be read: what is not in any more is not known")
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
            elif variant.onnx is not None:
                say(f"publish   {variant.name} is left out: no profile of its present file has a maximal throughput")
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
        profiles={target: without_paths(profile) for target, profile in profiles.items()},
        reasons=unknown | {name: reason for name, reason in file.reasons.items() if name in Details.model_fields},
    )
    folder = workspace.folder(variant)
    # Of an input whose size is open no configuration can name a warm-up.
    warm = example(folder / PREDICTIONS) if min(file.input.shape, default=1) > 0 else None
    return Item(details, variant.parent, variant.technique, folder / ONNX, warm)


def without_paths(profile: Profile) -> Profile:
    """The profile as others may see it: where this machine has its server is nobody's business."""
    return profile.model_copy(update={"target": profile.target.model_copy(update={"server_environment": None})})


def example(path: Path) -> NDArray[np.float32] | None:
    """The real input that lies with the predictions, where there is one."""
    if not path.exists():
        return None
    return arrays(path, "remove the folder that it lies in and run its stage again").get(EXAMPLE)
