"""Where a task's variants lie, and the only code that writes there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from porting.files import digest, flush, remove, remove_unfinished, whole_folder
from porting.records import Variant
from profiler.errors import DnnPortingError, ModelError
from profiler.files import UNFINISHED, ProfileFiles, read_record, sha256, write_atomically
from profiler.locks import exclusive
from profiler.records.profile import Profile

RECORD, ONNX, PROGRAM, WEIGHTS, MANIFEST, CONFIG = (
    "variant.json",
    "model.onnx",
    "model.pt",
    "model.safetensors",
    "manifest.json",
    "config.yaml",
)
PREDICTIONS, EXAMPLE = "predictions.npz", "example"
REPOSITORY = "repository"


class Workspace:
    """The folder `artifacts/` of one or more tasks."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def variants_folder(self, task: str) -> Path:
        return self.root / "tasks" / task / "variants"

    def folder(self, variant: Variant) -> Path:
        return self.variants_folder(variant.task) / variant.name

    def tasks(self) -> list[str]:
        """Every task that has variants."""
        return sorted(folder.parent.name for folder in self.root.glob("tasks/*/variants"))

    @contextmanager
    def writing(self, task: str) -> Iterator[None]:
        """One writer at a time per task; removes what a killed one left behind."""
        with exclusive(self.root / "tasks" / task / ".lock", f"task {task} in {self.root}"):
            folder = self.variants_folder(task)
            for place in (folder, *folder.glob("*"), *folder.glob("*/profiles"), *folder.glob("*/samples")):
                remove_unfinished(place)
            for record in folder.glob(f"*/{RECORD}"):
                self.forget_trainings(task, record.parent.name)
            yield

    def variants(self, task: str) -> list[Variant]:
        """Every complete variant of a task, parents before children."""
        found = [
            read_record(path, Variant, "remove its folder") for path in self.variants_folder(task).glob(f"*/{RECORD}")
        ]
        return sorted(found, key=lambda variant: (len(variant.lineage), variant.name))

    def find(self, task: str, name: str) -> Variant | None:
        """The variant of that name, if it is complete and its files are what they were."""
        path = self.variants_folder(task) / name / RECORD
        if not path.exists():
            return None
        variant = read_record(path, Variant, "remove its folder")
        self.check_files(variant)
        return variant

    def check_files(self, variant: Variant) -> None:
        """Raises `ModelError` where a file is missing, truncated or changed since it was recorded."""
        folder = self.folder(variant)
        due = {} if variant.onnx is None else {ONNX: variant.onnx.sha256, PROGRAM: variant.onnx.program_sha256}
        whole = all(
            (folder / name).is_file() and sha256(folder / name) == expected
            for name, expected in due.items()
            if expected
        )
        if variant.network is not None:
            whole = whole and network_digest(folder) == variant.network.sha256
        if not whole:
            raise ModelError(
                f"a file in {folder} is missing, truncated or changed since it was written: "
                "remove that folder and run its stage again"
            )

    @contextmanager
    def making(self, task: str, name: str) -> Iterator[Path]:
        """A folder for a new variant, which appears whole or not at all, and only then ends its trainings."""
        with whole_folder(self.variants_folder(task) / name) as folder:
            yield folder
        self.forget_trainings(task, name)

    @contextmanager
    def training(self, task: str, name: str) -> Iterator[Path]:
        """A folder for what a training needs to go on after an interruption; it goes when the variant is complete."""
        folder = self.root / "tasks" / task / "trainings" / name
        if folder.is_symlink() or not folder.is_dir():
            remove(folder)
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)
        try:
            yield folder
        except DnnPortingError:
            remove(folder)
            raise

    def forget_trainings(self, task: str, variant: str) -> None:
        """Removes what the trainings on the way to a variant, whose names begin with its own, had to go on with."""
        for folder in (self.root / "tasks" / task / "trainings").glob(f"{variant}*"):
            remove(folder)

    @contextmanager
    def replacing(self, *paths: Path) -> Iterator[list[Path]]:
        """Names to write to, which take the places of `paths` when the block ends well; what is not written goes."""
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
        """Writes the record; its files must be there already."""
        write_atomically((folder or self.folder(variant)) / RECORD, variant.model_dump_json(indent=1))
        return variant

    def profile_files(self, variant: Variant, target: str) -> ProfileFiles:
        folder = self.folder(variant)
        return ProfileFiles(folder / "profiles" / f"{target}.json", folder / "samples" / f"{target}.npz")

    def profiles(self, variant: Variant) -> dict[str, Profile]:
        """The profiles, by target, of the variant's present ONNX file."""
        if variant.onnx is None:
            return {}
        targets = [path.stem for path in sorted(self.folder(variant).glob("profiles/*.json"))]
        found = {target: self.profile_files(variant, target).read() for target in targets}
        return {
            target: profile
            for target, profile in found.items()
            if profile is not None and profile.onnx_sha256 == variant.onnx.sha256
        }


def network_digest(folder: Path) -> str | None:
    """The digest of weights and manifest together, `None` where one is missing."""
    files = [folder / WEIGHTS, folder / MANIFEST]
    return digest([sha256(file) for file in files]) if all(file.is_file() for file in files) else None
