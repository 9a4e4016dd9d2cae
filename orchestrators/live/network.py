"""A published variant as a server loads it behind its task's name: what the load call takes in place of a folder."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from porting.repository import Repository
from porting.repository.variant_files import VariantFiles
from profiler.common.errors import BadInputError
from profiler.triton.config import to_json, to_text

# Where a served config says which variant and which file of it answers.
VARIANT, DIGEST = "variant", "onnx_sha256"
# The name that the load call gives files, and the only version there is behind a task's name.
PREFIX, SERVED_MODEL = "file:", "1/model.onnx"


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
