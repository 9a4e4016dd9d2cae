"""The parser of `config.pbtxt`, equal to the server's: protobuf text format with the fields of version 2.51."""

import re
import warnings

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from profiler.triton.lint.model import Finding, Model

CONFIG, NAMED_CONFIGS = "config.pbtxt", "configs"
# A file of this size takes a second to parse; the largest files in use are a hundredth of it.
MAX_CONFIG_BYTES = 1 << 20
UNREADABLE = (text_format.ParseError, ValueError, OverflowError, Warning)
ESCAPE, LAST_ASCII = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(\?)|.)", re.DOTALL), 127
NEWER_FIELDS = ("model_metrics",)


def config_files(model: Model) -> list[str]:
    """The configuration files of a model: its own, and those for `--model-config-name`."""
    folder = f"{model.name}/{NAMED_CONFIGS}"
    named = [name for name in model.tree.names(folder) if name.endswith(".pbtxt")]
    return [CONFIG, *(f"{NAMED_CONFIGS}/{name}" for name in named)]


def read_config(model: Model) -> tuple[ModelConfig | None, list[Finding]]:
    """The message in `model.file`, `None` where it is unusable, and the findings on its text."""
    place = model.place(model.file)
    if place.kind == "outside":
        return None, [model.warning("link-leaves", f"{model.file} is outside the repository and is not read: copy it")]
    if place.kind == "missing":
        fix = "write one, or move the folder away, as every folder of a repository is a model"
        return None, [model.error("config-missing", f"there is no {model.file}: {fix}")]
    if place.kind == "folder":
        return None, [model.error("config-folder", f"{model.file} is a folder, which crashes the server: write a file")]
    if place.size > MAX_CONFIG_BYTES:
        size = f"{model.file} has {place.size:,} bytes, and lint reads {MAX_CONFIG_BYTES:,}"
        return None, [model.warning("config-size", f"{size}: shorten it")]
    content = model.tree.read(f"{model.name}/{model.file}", MAX_CONFIG_BYTES)
    if content is None:
        return None, [model.error("config-missing", f"{model.file} cannot be read: make it a readable file")]
    return parsed(model, content)


def parsed(model: Model, content: bytes) -> tuple[ModelConfig | None, list[Finding]]:
    """The message of a text, `None` where it is unusable, and the findings on the text."""
    text, findings = content.decode(errors="replace"), []
    try:
        config = strictly(text)
    except UNREADABLE as error:
        try:
            config = strictly(ESCAPE.sub(readable, text))
        except UNREADABLE:
            return None, [model.error("config-syntax", f"{error}: correct the text at line:column")]
        findings.append(model.warning("config-encoding", f"{error}; the server reads it: write plain UTF-8"))
    if "\ufffd" in text:
        # The server accepts any bytes inside strings and comments.
        findings.append(model.warning("config-encoding", "it has bytes that are not UTF-8: save it as UTF-8"))
    newer = [field for field in NEWER_FIELDS if config.HasField(field)]
    findings += [model.elsewhere("config-newer", f"{field} needs a server after 2.51", "warning") for field in newer]
    return config, findings


def strictly(text: str) -> ModelConfig:
    """The message of a text; raises one of `UNREADABLE`, also for escapes at which Python only warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return text_format.Parse(text, ModelConfig())


def readable(escape: re.Match[str]) -> str:
    """The replacement of an escape that C++ reads and Python does not: its character or an unknown one."""
    octal, hexadecimal, mark = escape.groups()
    if mark:
        return mark
    number = int(octal, 8) if octal else int(hexadecimal, 16) if hexadecimal else 0
    return "\ufffd" if number > LAST_ASCII else escape[0]
