"""A published variant's files as every consumer gets them: each is the one that was published, and none is beside."""

import hashlib
import math
import os
import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from porting.repository.reader import DETAILS, INDEX, Repository
from porting.repository.schema import Details, Published
from porting.repository.signature import SIGNATURE
from porting.repository.triton_files import CONFIG, LABELS, WARM_UP, config_file, texts
from profiler.common.errors import BadInputError
from profiler.common.resources import MAX_A_CORE

# A gRPC message, and an ONNX file, hold no more.
FILE_LIMIT_BYTES = 2**31 - 1
MODEL_FILE = re.compile(r"([1-9][0-9]{0,18})/model\.onnx")


@dataclass(frozen=True)
class Files:
    """The files of one published variant; what is read of them is what the details have the digest of."""

    repository: Repository
    published: Published
    details: Details

    @classmethod
    def of(cls, repository: Repository, name: str) -> Self:
        """The files of the variant of that name.

        Raises `BadInputError` for an unknown name, and where the folder holds anything but the known kinds of files,
        all named by the details, with configurations that are made of the details: none starts another backend.
        """
        found = cls(repository, repository.variant(name), repository.details(name))
        found._check_kinds()
        found._check_folder()
        return found

    def __str__(self) -> str:
        return f"{self.repository.root}/{self.published.name}"

    @property
    def model(self) -> str:
        """The path of the served ONNX file in the folder."""
        return f"{self.published.version}/model.onnx"

    @property
    def warm(self) -> bool:
        return WARM_UP in self.details.files

    def config(self, target: str | None = None) -> str:
        """The `config.pbtxt` for a target, or for the first one where the variant was not measured on it."""
        name = config_file(target) if target in self.details.profiles and target else CONFIG
        return texts(self.details, self.warm)[name]

    def served(self) -> dict[str, bytes]:
        """By path, what a server reads beside the configuration: the newest version, the labels, the warm-up input.

        Raises `BadInputError` where any file of the folder is not the one that was published.
        """
        self.check(but=(wanted := {self.model, LABELS, WARM_UP} & self.details.files.keys()))
        return {path: self.read(path) for path in sorted(wanted)}

    def read(self, path: str) -> bytes:
        """A file of the folder; raises `BadInputError` where it is not the one that was published."""
        content = self.repository.root.read(self.published.name, *path.split("/"), limit_bytes=FILE_LIMIT_BYTES)
        if hashlib.sha256(content).hexdigest() != self.details.files[path]:
            raise BadInputError(f"{self}/{path} is not the file that was published: publish again")
        if path == WARM_UP:
            example_of(self.details, content)
        return content

    def example(self) -> NDArray[np.float32] | None:
        """The input (C, H, W) that a server is warmed up with, where there is one."""
        return example_of(self.details, self.read(WARM_UP)) if self.warm else None

    def check(self, but: Set[str] = frozenset()) -> None:
        """Raises `BadInputError` where any file, but for these paths, is not the one that was published."""
        for path in self.details.files.keys() - but:
            self.read(path)

    def _check_kinds(self) -> None:
        files, due = self.details.files, texts(self.details, self.warm)
        for path, text in due.items():
            if files.get(path) != hashlib.sha256(text.encode()).hexdigest():
                raise BadInputError(
                    f"{self}/{path} is another text than this program makes of {DETAILS}, so nothing of it is served: "
                    "publish again"
                )
        for path in files.keys() - due.keys() - {WARM_UP}:
            version = MODEL_FILE.fullmatch(path)
            if version is None or int(version[1]) > self.published.version:
                raise BadInputError(f"{self}/{path} is no file that a published variant has: publish again")
        if files.get(self.model) != self.published.onnx_sha256:
            raise BadInputError(f"{self}/{self.model} is another file than the index says: publish again")

    def _check_folder(self) -> None:
        due = {*self.details.files, DETAILS}
        due |= {f"{parent}/" for path in due for parent in Path(path).parents if parent.name}
        check_listed(str(self), self.repository.root.paths(self.published.name), due)


def example_of(details: Details, content: bytes) -> NDArray[np.float32]:
    """A warm-up input (C, H, W) from its bytes; raises `BadInputError` where it is none of the variant's inputs."""
    shape = details.input.shape
    if min(shape, default=1) < 1 or len(content) != 4 * math.prod(shape):
        raise BadInputError(
            f"the warm-up input of {details.name} has {len(content)} bytes, which is no float32 input of shape "
            f"{shape}: publish again"
        )
    return np.frombuffer(content, dtype="<f4").reshape(shape)


def check_listed(place: str, found: set[str] | None, due: set[str]) -> None:
    """Raises `BadInputError` for a path that is found and not due; those that are missing show when they are read."""
    if found is not None and (beyond := sorted(found - due)):
        raise BadInputError(f"{place} holds {beyond[0]!r:.160}, which was not published: remove it, or publish again")


def write_model(files: Files, path: Path) -> None:
    """Writes the variant's ONNX file to `path`, and has it answer in a confined process, as it may be anybody's.

    Raises `ModelError` where it does not.
    """
    path.write_bytes(files.read(files.model))
    try_model(files, path)


def try_model(files: Files, path: Path) -> None:
    from profiler.trial.onnx_file import try_onnx

    try_onnx(path, name=Path(str(files.repository.root), files.published.name, files.model))


def lay_out(repository: Repository, names: Iterable[str], target: str | None, folder: Path) -> None:
    """Copies the variants to `folder` as a server loads them, with the settings for the target.

    Nothing but files of known kinds, as they were published, and configurations of our own making gets there; each
    folder has a variant's name. Raises `BadInputError` as `Files.of` and `Files.read` do.
    """
    for name in names:
        files = Files.of(repository, name)
        check_fits_here(files, target)
        contents = {**files.served(), CONFIG: files.config(target).encode()}
        for path, content in contents.items():
            place = folder / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        try_model(files, folder / name / files.model)


def check_fits_here(files: Files, target: str | None) -> None:
    """Raises `BadInputError` for more instances or threads than this machine's cores can use, whoever asks for them."""
    profiles = files.details.profiles
    server = (profiles[target] if target in profiles else next(iter(profiles.values()))).target
    most = MAX_A_CORE * (os.cpu_count() or 1)
    if max(server.instances, server.threads) > most:
        raise BadInputError(
            f"{files} asks for {server.instances} instances of {server.threads} threads, and this machine can use "
            f"{most}: serve it with the settings of another target, with --target NAME"
        )


def problems(repository: Repository) -> Iterator[tuple[str, BadInputError]]:
    """What is not as it was published, by variant; the name is empty for what lies beside the variants."""
    try:
        check_beside(repository)
    except BadInputError as error:
        yield "", error
    for name in repository.by_name:
        try:
            Files.of(repository, name).check()
        except BadInputError as error:
            yield name, error


def check_beside(repository: Repository) -> None:
    """Raises `BadInputError` where what lies beside the variants is not as the index says."""
    root, due = repository.root, repository.index.files
    for path, digest in due.items():
        if hashlib.sha256(root.read(*path.split("/"), limit_bytes=FILE_LIMIT_BYTES)).hexdigest() != digest:
            raise BadInputError(f"{root}/{path} is not the file that was published: publish again")
    found = root.paths()
    if found is not None:
        beside = {path for path in found if path.partition("/")[0] not in repository.by_name}
        check_listed(str(root), beside, {INDEX, SIGNATURE, *due})


def check_whole(repository: Repository) -> None:
    """Raises `BadInputError` where any file of the repository is not as it was published, or was not published."""
    for _, error in problems(repository):
        raise error


def is_whole(repository: Repository) -> bool:
    """Whether every file is there, is as it was published, and none is beside."""
    return next(problems(repository), None) is None
