"""publish: every profiled variant of the workspace against the others, and the frontier as a Triton repository."""

from porting.files import remove_unfinished
from porting.records import OnnxFile, Variant
from porting.repository import Repository
from porting.repository.item import Item
from porting.repository.schema import Details
from porting.repository.writer import is_whole, publish, readable, repository_key
from porting.workspace import ONNX, Workspace
from profiler.errors import BadInputError
from profiler.locks import exclusive
from profiler.records.profile import Profile

REPOSITORY = "repository"


def publish_workspace(workspace: Workspace) -> tuple[Repository, bool]:
    """The repository of all tasks, and whether it was there already; `BadInputError` where nothing is profiled."""
    items = list(profiled(workspace))
    if not items:
        raise BadInputError(f"nothing in {workspace.root} is profiled: run stage=profile first")
    root = workspace.root / REPOSITORY
    with exclusive(workspace.root / ".publish.lock", f"{root}"):
        remove_unfinished(workspace.root)
        current = readable(root)
        if current is not None and current.index.key == repository_key(items) and is_whole(current):
            return current, True
        return publish(root, items), False


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
    return Item(details, variant.parent, variant.technique, workspace.folder(variant) / ONNX)
