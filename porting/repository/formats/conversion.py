"""A conversion to another system's format: its request, and the files that it produces."""

from dataclasses import dataclass, field
from pathlib import Path

from porting.repository.reader import Repository
from porting.repository.variant_files import VariantFiles
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError
from profiler.common.folders import whole_folder


@dataclass(frozen=True)
class Conversion:
    """A request to convert one variant on a target, or the whole frontier; clusters find files at the storage URI."""

    repository: Repository
    target: str
    variant: str | None = None
    storage_uri: str | None = None

    def measured(self) -> list[VariantOnTarget]:
        """The named variant or every task's frontier on the target, the most accurate first, with its files checked.

        Raises `BadInputError` for none, for a changed file, and for a target that serves torch programs.
        """
        if self.target not in self.repository.targets:
            raise BadInputError(f"unknown target {self.target!r}: choices are {', '.join(self.repository.targets)}")
        if self.variant is None:
            tasks = self.repository.tasks
            names = [one.name for task in tasks for one in self.repository.frontier(task=task, target=self.target)]
        else:
            names = [self.variant]
        for name in names:
            VariantFiles.of(self.repository, name).check()
        found = [self.repository.on(name, self.target) for name in names]
        if not found:
            raise BadInputError(f"no published variant was measured on {self.target}: run 'stage=[profile,publish]'")
        if found[0].profile.target.runtime == "torch":
            raise BadInputError(
                f"target {self.target} serves torch programs, which a repository does not hold: name another target"
            )
        return found

    def uri(self, of: str) -> str:
        """The storage URI without a slash at its end; raises `BadInputError` where none is given."""
        if self.storage_uri is None:
            raise BadInputError(f"--storage-uri is missing: give the address of {of}, such as s3://BUCKET/FOLDER")
        return self.storage_uri.rstrip("/")


@dataclass(frozen=True)
class ConvertedFiles:
    """The texts and the copied published files of a conversion, by their path in the output folder."""

    texts: dict[str, str]
    contents: dict[str, bytes] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Writes all files or none; raises `BadInputError` where the folder exists."""
        if folder.exists():
            raise BadInputError(f"{folder} exists already: name another folder, or move it away")
        with whole_folder(folder) as unfinished:
            texts = {name: text.encode() for name, text in self.texts.items()}
            for name, content in (self.contents | texts).items():
                (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / name).write_bytes(content)
