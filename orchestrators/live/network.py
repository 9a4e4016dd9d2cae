"""A published variant in the form of a load call: a server loads it under the name of its task."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from porting.repository import Repository
from porting.repository.variant_files import VariantFiles
from profiler.common.errors import BadInputError
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

    The config names the variant and its file, because a server loads nothing where the config is unchanged. It has the
    repository's warm-up requests, which the server answers before it switches to the network. Raises `BadInputError`
    for an unknown name, and for a file that differs from the index.
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
