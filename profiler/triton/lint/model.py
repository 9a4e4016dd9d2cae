"""The input of the rules, a model under one of its configurations, and their output, findings."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from profiler.common.door import shown as one_line
from profiler.triton.lint.tree import Place, Tree

Severity = Literal["error", "warning"]
Checked = Literal["here", "from_source"]
LONGEST_TEXT = 300
LARGEST_COUNT = 2**63
ENSEMBLE, ONNX_RUNTIME = "ensemble", "onnxruntime"


@dataclass(frozen=True, order=True)
class Finding:
    """A problem of a repository.

    The server refuses an `error`; it loads a `warning` with a defect, or the effect depends on facts unknown to lint.
    `checked` is `here` for rules that are tested with this project's server (Triton 2.51 with the Python-based
    `onnxruntime` backend), and `from_source` for rules from the source of other servers. `model` is empty for the
    repository as a whole; `file` is a path below the model's folder, or below the root.
    """

    model: str
    file: str
    rule: str
    severity: Severity
    checked: Checked
    message: str

    def __str__(self) -> str:
        unseen = "" if self.checked == "here" else " (not run here)"
        return f"{self.severity}: {self.model or 'repository'}: {self.file}: {self.rule}: {self.message}{unseen}"


@dataclass(frozen=True)
class Model:
    """A model folder under one configuration file, completed as by the server; `versions` are those to load."""

    tree: Tree
    name: str
    file: str
    config: ModelConfig
    versions: tuple[int, ...] = ()

    @property
    def is_ensemble(self) -> bool:
        """Whether the model is an ensemble."""
        return bool(self.config.platform == ENSEMBLE)

    @property
    def is_onnx(self) -> bool:
        """Whether ONNX Runtime serves the model."""
        return bool(self.config.backend == ONNX_RUNTIME) and not self.is_ensemble

    def place(self, path: str) -> Place:
        """The place of a path that is relative to the model's folder."""
        return self.tree.place(f"{self.name}/{path}")

    def error(self, rule: str, message: str, file: str | None = None) -> Finding:
        """A finding for a model that this project's server refuses."""
        return self._finding(rule, "error", "here", message, file)

    def warning(self, rule: str, message: str, file: str | None = None) -> Finding:
        """A finding for a defective model that this project's server loads."""
        return self._finding(rule, "warning", "here", message, file)

    def elsewhere(self, rule: str, message: str, severity: Severity = "error", file: str | None = None) -> Finding:
        """A finding of another server than this project's."""
        return self._finding(rule, severity, "from_source", message, file)

    def _finding(self, rule: str, severity: Severity, checked: Checked, message: str, file: str | None) -> Finding:
        path = clean(self.file if file is None else file)
        return Finding(clean(self.name), path, rule, severity, checked, clean(message))


def elements(dims: Iterable[int]) -> int:
    """The number of elements of a shape, at most 2^63, because an untrusted file may have thousands of axes."""
    total = 1
    for dim in dims:
        total = min(total * dim, LARGEST_COUNT)
    return total


def type_name(number: int) -> str:
    """The name of a data type, or its number where it has no name."""
    return str(DataType.Name(number)) if number in DataType.values() else str(number)


def clean(text: object) -> str:
    """Untrusted text on one line, with unprintable characters escaped, cut to 300 characters."""
    return one_line(str(text), LONGEST_TEXT)
