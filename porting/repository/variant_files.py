"""The files of a published variant: the texts for Triton, and reads with a check of the digest."""

import hashlib
import math
import re
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc.model_config_pb2 import ModelConfig

from porting.repository.reader import DETAILS, Repository
from porting.repository.schema import Details, Published
from profiler.common.batching import MAX_BATCH
from profiler.common.errors import BadInputError
from profiler.common.target import Tensor
from profiler.records.profile import Profile
from profiler.triton.config import ServingSettings, model_config, to_text

CONFIG, LABELS, EXAMPLE = "config.pbtxt", "labels.txt", "example"
WARM_UP = f"warmup/{EXAMPLE}"
# The limit of a gRPC message and of an ONNX file.
FILE_LIMIT_BYTES = 2**31 - 1
MODEL_FILE = re.compile(r"([1-9][0-9]{0,18})/model\.onnx")


@dataclass(frozen=True)
class VariantFiles:
    """The files of one published variant; every read is checked against the digest in the details."""

    repository: Repository
    published: Published
    details: Details

    @classmethod
    def of(cls, repository: Repository, name: str) -> Self:
        """The files of the variant of that name.

        Raises `BadInputError` for an unknown name, for files of other kinds or that the details do not name, and for
        configurations that do not follow from the details, so that no configuration starts another backend.
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
        """Whether the variant has a warm-up input."""
        return WARM_UP in self.details.files

    def config(self, target: str | None = None) -> str:
        """The `config.pbtxt` for a target, or for the first measured target where this one was not measured."""
        name = config_file(target) if target in self.details.profiles and target else CONFIG
        return texts(self.details, self.warm)[name]

    def served(self) -> dict[str, bytes]:
        """The files that a server reads besides the configuration, by path: newest version, labels, warm-up input.

        Raises `BadInputError` where any file of the folder was changed.
        """
        self.check(but=(paths := {self.model, LABELS, WARM_UP} & self.details.files.keys()))
        return {path: self.read(path) for path in sorted(paths)}

    def read(self, path: str) -> bytes:
        """The content of a file of the folder; raises `BadInputError` where it was changed."""
        content = self.repository.storage.read(self.published.name, *path.split("/"), limit_bytes=FILE_LIMIT_BYTES)
        if hashlib.sha256(content).hexdigest() != self.details.files[path]:
            raise BadInputError(f"{self}/{path} is not the file that was published: publish again")
        if path == WARM_UP:
            example_of(self.details, content)
        return content

    def example(self) -> NDArray[np.float32] | None:
        """The warm-up input (C, H, W), `None` where there is none."""
        return example_of(self.details, self.read(WARM_UP)) if self.warm else None

    def check(self, but: Set[str] = frozenset()) -> None:
        """Raises `BadInputError` where any file except these paths was changed."""
        for path in self.details.files.keys() - but:
            self.read(path)

    def _check_kinds(self) -> None:
        files, expected = self.details.files, texts(self.details, self.warm)
        for path, text in expected.items():
            if files.get(path) != hashlib.sha256(text.encode()).hexdigest():
                raise BadInputError(
                    f"{self}/{path} is another text than this program makes of {DETAILS}, so nothing of it is served: "
                    "publish again"
                )
        for path in files.keys() - expected.keys() - {WARM_UP}:
            version = MODEL_FILE.fullmatch(path)
            if version is None or int(version[1]) > self.published.version:
                raise BadInputError(f"{self}/{path} is no file that a published variant has: publish again")
        if files.get(self.model) != self.published.onnx_sha256:
            raise BadInputError(f"{self}/{self.model} is not the file of the index: publish again")

    def _check_folder(self) -> None:
        expected = {*self.details.files, DETAILS}
        expected |= {f"{parent}/" for path in expected for parent in Path(path).parents if parent.name}
        check_listed(str(self), self.repository.storage.paths(self.published.name), expected)


def example_of(details: Details, content: bytes) -> NDArray[np.float32]:
    """A warm-up input (C, H, W) from its bytes; raises `BadInputError` for a wrong size."""
    shape = details.input.shape
    if min(shape, default=1) < 1 or len(content) != 4 * math.prod(shape):
        raise BadInputError(
            f"the warm-up input of {details.name} has {len(content)} bytes, which is no float32 input of shape "
            f"{shape}: publish again"
        )
    return np.frombuffer(content, dtype="<f4").reshape(shape)


def check_listed(place: str, found: set[str] | None, expected: set[str]) -> None:
    """Raises `BadInputError` for a path that is found and not `expected`; a missing file fails when it is read."""
    if found is not None and (others := sorted(found - expected)):
        raise BadInputError(f"{place} holds {others[0]!r:.160}, which was not published: remove it, or publish again")


def config_file(target: str) -> str:
    """The path of a variant's configuration for a target."""
    return f"configs/{target}.pbtxt"


def texts(details: Details, warm: bool) -> dict[str, str]:
    """The texts of a variant's folder by path, derived from its details; `warm` is true with a warm-up input.

    Raises `BadInputError` for settings that a configuration cannot express.
    """
    configs = {}
    for target, profile in details.profiles.items():
        try:
            configs[config_file(target)] = to_text(config_of(details, profile, warm))
        except (ValueError, OverflowError) as error:
            raise BadInputError(
                f"{details.name} cannot be served as it was measured on {target} ({error}): profile it again"
            ) from error
    labels = {LABELS: "\n".join(details.labels) + "\n"} if details.labels else {}
    return {CONFIG: next(iter(configs.values())), **configs, **labels} if configs else labels


def config_of(details: Details, profile: Profile, warm: bool) -> ModelConfig:
    """The configuration for the settings of a profile; with `warm` the server runs a real input before it is ready.

    Raises `ValueError` for a number out of its range.
    """
    target = profile.target
    batching = found.best if (found := profile.batching()) else None
    serving = ServingSettings(target.threads, target.instances, MAX_BATCH, target.providers, target.gpu, batching)
    source, sink = details.input, details.output
    config = model_config(
        Tensor(source.name, tuple(source.shape)),
        Tensor(sink.name, tuple(sink.shape)),
        serving,
        {"variant": details.name},
        LABELS if details.labels else None,
    )
    best = profile.best_throughput()
    for batch in sorted({1, best.batch if best else 1}) if warm else ():
        request = config.model_warmup.add(name=f"batch {batch}", batch_size=batch)
        request.inputs[source.name].data_type = config.input[0].data_type
        request.inputs[source.name].dims.extend(source.shape)
        request.inputs[source.name].input_data_file = EXAMPLE
    return config
