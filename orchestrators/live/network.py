"""A published variant as a server loads it behind its task's name: what the load call takes in place of a folder."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from porting.repository import Repository
from profiler.errors import BadInputError
from profiler.triton.config import to_json, to_text

# Where a served config says which variant and which file of it answers.
VARIANT, DIGEST = "variant", "onnx_sha256"
# A gRPC message holds no more.
FILE_LIMIT_BYTES = 2**31 - 1
# The name that the load call gives files, and the only version there is behind a task's name.
PREFIX, SERVED_VERSION = "file:", "1"


@dataclass(frozen=True)
class Network:
    """A variant's `config` as JSON and its `files` by the names that the load call wants: `file:1/model.onnx`.

    `digest` is the ONNX file's sha256.
    """

    variant: str
    digest: str
    config: str
    files: dict[str, bytes]

    def write(self, folder: Path) -> None:
        """The same as a folder of a server's repository, in the place of what is there."""
        shutil.rmtree(folder, ignore_errors=True)
        text = to_text(json_format.Parse(self.config, ModelConfig()))
        for name, content in {**self.files, "config.pbtxt": text.encode()}.items():
            path = folder / name.removeprefix(PREFIX)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def of(repository: Repository, target: str, task: str, variant: str) -> Network:
    """The published variant with the settings that it was measured with on the target.

    Its config says which variant and file it is, as a server keeps the network that it has where a config is equal;
    and it has the repository's own warm-up requests, which the server answers before the network takes over. Raises
    `BadInputError` for an unknown name, and where a file is not the one that the index speaks of.
    """
    published, details = repository.variant(variant), repository.details(variant)
    if published.task != task or target not in details.profiles:
        raise BadInputError(
            f"{variant} is for {published.task} on {', '.join(details.profiles)}, not {task} on {target}"
        )
    text = checked(repository, variant, f"configs/{target}.pbtxt", details.files).decode()
    config = text_format.Parse(text, ModelConfig())
    config.name = task
    config.parameters[VARIANT].string_value = variant
    config.parameters[DIGEST].string_value = published.onnx_sha256
    own = f"{published.version}/"
    names = {path: path.replace(own, f"{SERVED_VERSION}/", 1) for path in details.files if path.startswith(own)}
    names |= {path: path for path in details.files if path == "labels.txt" or path.startswith("warmup/")}
    return Network(
        variant,
        published.onnx_sha256,
        to_json(config),
        {f"{PREFIX}{name}": checked(repository, variant, path, details.files) for path, name in names.items()},
    )


def checked(repository: Repository, variant: str, path: str, digests: dict[str, str]) -> bytes:
    """A file of the variant's folder; raises `BadInputError` where it is another than the details speak of."""
    if path not in digests:
        raise BadInputError(f"{repository.root}/{variant} has no {path}: publish again")
    content = repository.root.read(variant, *path.split("/"), limit_bytes=FILE_LIMIT_BYTES)
    if hashlib.sha256(content).hexdigest() != digests[path]:
        raise BadInputError(f"{repository.root}/{variant}/{path} is not the file that was published: publish again")
    return content
