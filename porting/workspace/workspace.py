"""The workspace: the folders of variants, and the only code that writes to them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from porting.workspace.records import Variant
from profiler.common.errors import BadInputError, DivergedError, ModelError
from profiler.common.files import UNFINISHED, json_digest, read_record, sha256, write_record
from profiler.common.folders import flush, remove, remove_unfinished, whole_folder
from profiler.common.locks import exclusive
from profiler.records.profile import Profile
from profiler.records.profile_files import ProfileFiles

RECORD, CONFIG, ONNX, PROGRAM = "variant.json", "config.yaml", "model.onnx", "model.pt"
WEIGHTS, MANIFEST = "model.safetensors", "manifest.json"
PREDICTIONS, EXAMPLE = "predictions.npz", "example"
REPOSITORY, PREDICTORS = "repository", "warm_up"
AGAIN = "remove its folder and run its stage again"


class Workspace:
    """The folder of one or more tasks, by default `artifacts/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def variants_folder(self, task: str) -> Path:
        """The folder of the variants of a task."""
        return self.root / "tasks" / task / "variants"

    def folder(self, variant: Variant) -> Path:
        """The folder of a variant."""
        return self.variants_folder(variant.task) / variant.name

    def tasks(self) -> list[str]:
        """The names of all tasks with variants."""
        return sorted(folder.parent.name for folder in self.root.glob("tasks/*/variants"))

    @contextmanager
    def writing(self, task: str) -> Iterator[None]:
        """Locks a task for one writer, and removes unfinished files of a killed one."""
        with exclusive(self.root / "tasks" / task / ".lock", f"task {task} in {self.root}"):
            folder = self.variants_folder(task)
            for place in (folder, *folder.glob("*"), *folder.glob("*/profiles"), *folder.glob("*/samples")):
                remove_unfinished(place)
            for record in folder.glob(f"*/{RECORD}"):
                self.forget_trainings(task, record.parent.name)
            yield

    def variants(self, task: str) -> list[Variant]:
        """The variants of a task, parents before children; raises `BadInputError` for a folder without a record."""
        places = [place for place in self.variants_folder(task).glob("*") if place.is_dir() and place.name[0] != "."]
        return sorted(map(self.read, places), key=lambda variant: (len(variant.lineage), variant.name))

    def read(self, folder: Path) -> Variant:
        """The variant in a folder; raises `BadInputError` for a missing, damaged or foreign record."""
        fix = f"remove {folder}, and run its stage again"
        for place in (folder, folder / "profiles", folder / "samples"):
            if place.is_symlink():
                raise BadInputError(f"{place} is a link, which would be written through: put the folder itself there")
        variant = read_record(folder / RECORD, Variant, fix)
        if self.folder(variant) != folder:
            raise BadInputError(
                f"{folder / RECORD} is that of {variant.name} of task {variant.task}, in the folder of another one: "
                f"name the folders as they were, or {fix}"
            )
        return variant

    def find(self, task: str, name: str) -> Variant | None:
        """The complete variant of this name, or `None`; raises `ModelError` for a changed file."""
        folder = self.variants_folder(task) / name
        if not os.path.lexists(folder / RECORD):
            return None
        variant = self.read(folder)
        self.check_files(variant)
        return variant

    def check_files(self, variant: Variant) -> None:
        """Raises an error for a file that is missing, truncated or changed since it was recorded."""
        folder = self.folder(variant)
        due = {} if variant.onnx is None else {ONNX: variant.onnx.sha256, PROGRAM: variant.onnx.program_sha256}
        for name, expected in due.items():
            if expected and sha256(folder / name, AGAIN, links=False) != expected:
                raise changed(folder / name)
        if variant.network is not None and network_digest(folder) != variant.network.sha256:
            raise changed(folder / f"{WEIGHTS} or {MANIFEST}")

    @contextmanager
    def making(self, task: str, name: str) -> Iterator[Path]:
        """The folder of a new variant, which appears complete or not at all; then its checkpoints are removed."""
        with whole_folder(self.variants_folder(task) / name) as folder:
            yield folder
        self.forget_trainings(task, name)

    @contextmanager
    def training(self, task: str, name: str) -> Iterator[Path]:
        """The folder of a training's checkpoints, which is kept until the variant is complete or the loss diverges."""
        folder = self.root / "tasks" / task / "trainings" / name
        if folder.is_symlink() or not folder.is_dir():
            remove(folder)
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)
        try:
            yield folder
        except DivergedError:
            remove(folder)
            raise

    def forget_trainings(self, task: str, variant: str) -> None:
        """Removes the checkpoints of all trainings for a variant, whose names begin with the variant's."""
        for folder in (self.root / "tasks" / task / "trainings").glob(f"{variant}*"):
            remove(folder)

    @contextmanager
    def replacing(self, *paths: Path) -> Iterator[list[Path]]:
        """Temporary paths that replace `paths` when the block succeeds; a path without a new file is removed."""
        temporary = [path.with_name(f"{UNFINISHED}{path.name}") for path in paths]
        try:
            yield temporary
            written = [path for path in temporary if path.exists()]
            for path in written:
                flush(path)
            for source, path in zip(temporary, paths, strict=True):
                source.replace(path) if source in written else path.unlink(missing_ok=True)
        finally:
            for path in temporary:
                path.unlink(missing_ok=True)

    def record(self, variant: Variant, folder: Path | None = None) -> Variant:
        """Writes the record of a variant whose files exist already, and returns the variant."""
        write_record((folder or self.folder(variant)) / RECORD, variant)
        return variant

    def profile_files(self, variant: Variant, target: str) -> ProfileFiles:
        """The files of the profile of a variant on a target."""
        folder = self.folder(variant)
        return ProfileFiles(folder / "profiles" / f"{target}.json", folder / "samples" / f"{target}.npz")

    def all_profiles(self, variant: Variant) -> dict[str, Profile]:
        """All profiles in the folder of a variant, by target; raises `BadInputError` for a misnamed one."""
        found = {}
        for path in sorted(self.folder(variant).glob("profiles/*.json")):
            if path.name[0] != ".":
                profile = read_record(path, Profile, f"remove {path}, and it is measured again")
                if profile.target_name != path.stem:
                    raise BadInputError(
                        f"{path} is a profile on target {profile.target_name}: give it that name, or remove it"
                    )
                found[path.stem] = profile
        return found

    def predictors(self, target: str) -> Path:
        """The file of the warm-up predictors of a target."""
        return self.root / PREDICTORS / f"{target}.json"

    def profiles(self, variant: Variant) -> dict[str, Profile]:
        """The profiles of the present ONNX file of a variant, by target."""
        present = variant.onnx.sha256 if variant.onnx else None
        everything = self.all_profiles(variant)
        return {target: profile for target, profile in everything.items() if profile.onnx_sha256 == present}


def network_digest(folder: Path) -> str:
    """The digest of weights and manifest together; raises `BadInputError` for a missing file."""
    return json_digest([sha256(folder / name, AGAIN, links=False) for name in (WEIGHTS, MANIFEST)])


def changed(path: Path) -> ModelError:
    """The error for a file that differs from its record."""
    return ModelError(f"{path} is truncated or changed since it was written: {AGAIN}")
