"""The networks that may be loaded: a repository that may be published again while it is in use."""

import hashlib
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from orchestrators.policies.environment import Environment
from porting.repository import Repository
from porting.repository.reader import INDEX
from porting.repository.storage import Storage
from porting.repository.variant_files import VariantFiles
from profiler.common.door import INDEX_LIMIT_BYTES
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.triton.config import to_json, to_text

# The parameters of a served config that name the variant and its file.
VARIANT, DIGEST = "variant", "onnx_sha256"
# The prefix of files in a load call, and the only model version under a task's name.
PREFIX, SERVED_MODEL = "file:", "1/model.onnx"


@dataclass(frozen=True)
class Network:
    """A variant's `config` as JSON and its `files` by their names in the load call: `file:1/model.onnx`.

    `digest` is the ONNX file's sha256.
    """

    variant: str
    digest: str
    config: str
    files: dict[str, bytes]

    def write(self, folder: Path) -> None:
        """Writes the variant as a folder of a server's repository, in place of the present content."""
        shutil.rmtree(folder, ignore_errors=True)
        text = to_text(json_format.Parse(self.config, ModelConfig()))
        for name, content in {**self.files, "config.pbtxt": text.encode()}.items():
            path = folder / name.removeprefix(PREFIX)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def of(repository: Repository, target: str, task: str, variant: str) -> Network:
    """The published variant with the settings of its profile on the target.

    The config names the variant and its file, because a server loads nothing where the config is unchanged. The files
    have the repository's warm-up requests, which the server answers before it switches to the network. Raises
    `BadInputError` for an unknown name, and for a file that differs from the index.
    """
    files = VariantFiles.of(repository, variant)
    published = files.published
    if published.task != task or target not in files.details.profiles:
        raise BadInputError(
            f"{variant} is for {published.task} on {', '.join(files.details.profiles)}, not {task} on {target}"
        )
    config = text_format.Parse(files.config(target), ModelConfig())
    config.name = task
    config.parameters[VARIANT].string_value = variant
    config.parameters[DIGEST].string_value = published.onnx_sha256
    contents = files.served()
    contents[SERVED_MODEL] = contents.pop(files.model)
    given = {f"{PREFIX}{path}": content for path, content in contents.items()}
    return Network(variant, published.onnx_sha256, to_json(config), given)


class Catalogue:
    """The edition in use, as the `environment` of a policy; `notice` has the reason why the newest one is not in use.

    `environment_of` makes the environment of a repository and raises an error for an incomplete one. The error of the
    first edition is passed on. With the file of a `public_key` only editions signed by its owner are used.
    """

    def __init__(
        self,
        url: str | Path,
        environment_of: Callable[[Repository], Environment],
        public_key: Path | None = None,
    ) -> None:
        self._url, self._environment_of, self._public_key = url, environment_of, public_key
        self._digest = self._published()
        self._lock = threading.Lock()
        self.notice: str | None = None
        self.environment = self._read()

    def refresh(self) -> None:
        """Takes the newest edition if it is complete; else the present one stays, until the next call."""
        with self._lock:
            try:
                if (digest := self._published()) != self._digest:
                    self.environment = self._read()
                    self._digest = digest
                self.notice = None
            except (DnnPortingError, ValueError) as error:
                # Figures that pass the schema may still make an invalid problem: pydantic raises a ValueError.
                self.notice = f"the repository as it is now is not used: {error}"

    def network(self, task: str, variant: str) -> Network:
        """The network of a variant in the edition in use; raises `DnnPortingError` where it cannot be read."""
        return of(self.environment.repository, self.environment.target, task, variant)

    def digest(self, variant: str) -> str | None:
        """The sha256 of the variant's published ONNX file; `None` for an unknown variant."""
        return next((one.onnx_sha256 for one in self.environment.repository.variants if one.name == variant), None)

    def _read(self) -> Environment:
        return self._environment_of(Repository.load(self._url, self._public_key))

    def _published(self) -> str:
        """The sha256 of the published index, which is much quicker to compute than to parse the index."""
        return hashlib.sha256(Storage.at(self._url).read(INDEX, limit_bytes=INDEX_LIMIT_BYTES)).hexdigest()
