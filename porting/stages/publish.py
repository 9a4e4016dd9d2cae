"""The stage publish: ranks all profiled variants, and writes the frontier as a Triton repository."""

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from porting.common.console import say
from porting.configuration.settings import PublishSettings
from porting.repository import Repository
from porting.repository.compare import removed
from porting.repository.integrity import is_whole
from porting.repository.publishing.offers import Offer, merged, offered_by
from porting.repository.publishing.upload import upload
from porting.repository.publishing.writer import publish, readable, remove_older, repository_key, sign
from porting.repository.report.words import why_unranked
from porting.repository.schema import Details
from porting.workspace.choices import with_choices
from porting.workspace.predictions import stored, with_predictions
from porting.workspace.records import OnnxFile, Variant
from porting.workspace.workspace import AGAIN, EXAMPLE, ONNX, PREDICTIONS, REPOSITORY, Workspace
from profiler.common.archives import arrays
from profiler.common.errors import BadInputError
from profiler.common.files import sha256
from profiler.common.folders import remove_unfinished
from profiler.common.locks import exclusive
from profiler.common.scratch import scratch
from profiler.records.profile import Profile


def publish_workspace(workspace: Workspace, settings: PublishSettings) -> tuple[Repository, bool]:
    """Publishes the repository of all tasks, and returns it with whether it was unchanged.

    Merges other repositories in, copies the result to every store, and prints which variants were dropped. Raises
    `BadInputError` where nothing is profiled, and where another repository cannot be merged.
    """
    root = workspace.root / REPOSITORY
    with exclusive(workspace.root / ".publish.lock", f"{root}"), scratch("publish") as made:
        remove_unfinished(workspace.root)
        others = [Repository.load(url, settings.public_key) for url in settings.merge_from]
        items = merged(profiled(workspace), [item for other in others for item in offered_by(other, made.folder)])
        if not items:
            raise BadInputError(f"nothing in {workspace.root} is profiled: run stage=profile first")
        current = readable(root)
        same = current is not None and current.index.key == repository_key(items) and is_of(current, items)
        if current is not None and same:
            repository = current
            remove_older(root)
            if settings.sign is not None:
                sign(current, settings.sign)
        else:
            damaged = current is None and root.is_symlink()
            repository = publish(root, items, settings.sign, settings.public_key)
            for line in removed(current, repository) if current is not None else ():
                say(f"publish   {line}")
            if damaged:
                say("publish   the previous repository cannot be read: the variants that are dropped are unknown")
        for line in without_frontier(repository):
            say(f"publish   {line}")
        for url in settings.copy_to:
            say(f"publish   copied to {upload(root, url)}")
    return repository, same


def without_frontier(repository: Repository) -> Iterator[str]:
    """One line for each task and target on which no variant has a rank, as planners and `select` refuse these."""
    for task in repository.tasks:
        for target in repository.targets:
            found = repository.measured(task, target)
            if found and not repository.frontier(task, target):
                why = why_unranked(found[0], target)
                yield f"no variant of {task} is on the frontier of {target}, so nothing can be planned with it: {why}"


def is_of(current: Repository, items: list[Offer]) -> bool:
    """Whether a complete repository has exactly the files and details of the items.

    The digests and the key in its index are not trusted.
    """
    offered = {item.details.name: item for item in items}
    return is_whole(current) and all(
        name in offered
        and current.details(name).model_copy(update={"files": {}}) == offered[name].details
        and current.details(name).onnx_sha256 == sha256(offered[name].onnx)
        for name in current.by_name
    )


def profiled(workspace: Workspace) -> list[Offer]:
    """Every variant with a profile, in the order of making; prints a line for each without one.

    Raises `BadInputError` for a profile of another file than that of its variant.
    """
    found, predictors = [], cache(partial(stored, workspace))
    for task in workspace.tasks():
        for variant in workspace.variants(task):
            profiles = usable(workspace, variant)
            if variant.onnx is not None and profiles:
                workspace.check_files(variant)
                complete = {name: with_predictions(predictors(name), variant, one) for name, one in profiles.items()}
                found.append(item(workspace, variant, variant.onnx, complete))
            elif variant.onnx is not None:
                say(f"publish   {variant.name} is left out: no profile of it has a maximal throughput: stage=profile")
    return found


def usable(workspace: Workspace, variant: Variant) -> dict[str, Profile]:
    """The profiles of the variant that have a maximal throughput, by target."""
    everything = workspace.all_profiles(variant)
    for target, profile in everything.items():
        if variant.onnx is not None and profile.onnx_sha256 != variant.onnx.sha256:
            raise BadInputError(
                f"{workspace.profile_files(variant, target).record} is of another file than {variant.name}: measure it "
                f"again with stage=profile target={target}, or remove it"
            )
    return {target: profile for target, profile in everything.items() if profile.best_throughput() is not None}


def item(workspace: Workspace, variant: Variant, file: OnnxFile, profiles: dict[str, Profile]) -> Offer:
    """A variant as an item to publish."""
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
        validation_accuracy=with_choices(file.validation_accuracy, variant.lineage),
        test_accuracy=file.test_accuracy,
        flags=file.flags,
        by_class=file.by_class,
        lineage=variant.lineage,
        profiles=profiles,
        reasons=unknown | {name: reason for name, reason in file.reasons.items() if name in Details.model_fields},
    )
    folder = workspace.folder(variant)
    # A configuration can name a warm-up only for an input of fixed size.
    warm = example(folder / PREDICTIONS, file) if min(file.input.shape, default=1) > 0 else None
    return Offer(details, variant.parent, variant.technique, folder / ONNX, warm)


def example(path: Path, file: OnnxFile) -> NDArray[np.float32] | None:
    """The example input in the file of predictions, or `None` for an ONNX file without accuracy.

    Raises `BadInputError` for an input of another shape.
    """
    if file.validation_accuracy is None:
        return None
    found = arrays(path, AGAIN, links=False).get(EXAMPLE)
    fits = found is not None and found.dtype == np.float32 and found.shape == tuple(file.input.shape)
    if found is None or not fits:
        raise BadInputError(f"{path} holds no input of shape {file.input.shape} for its variant: {AGAIN}")
    return found
