"""A published variant's files as every consumer gets them: each is the one that was published, and none is beside."""

import hashlib
import math
import re
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from porting.repository.reader import DETAILS, Repository
from porting.repository.schema import Details, Published
from porting.repository.triton_files import CONFIG, LABELS, WARM_UP, config_file, texts
from profiler.common.errors import BadInputError

# A gRPC message, and an ONNX file, hold no more.
FILE_LIMIT_BYTES = 2**31 - 1
MODEL_FILE = re.compile(r"([1-9][0-9]{0,18})/model\.onnx")


@dataclass(frozen=True)
class VariantFiles:
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
        return f"{self.repository.storage}/{self.published.name}"

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
        content = self.repository.storage.read(self.published.name, *path.split("/"), limit_bytes=FILE_LIMIT_BYTES)
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
        check_listed(str(self), self.repository.storage.paths(self.published.name), due)


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
