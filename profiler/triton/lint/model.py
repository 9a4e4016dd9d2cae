"""One model of a repository under one of its configurations, as the rules see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from profiler.triton.lint.tree import Place, Tree

Severity = Literal["error", "warning"]
Checked = Literal["here", "from_source"]
LONGEST_TEXT = 300
LARGEST_COUNT = 2**63
ENSEMBLE, ONNX_RUNTIME = "ensemble", "onnxruntime"


@dataclass(frozen=True, order=True)
class Finding:
    """`error`: the server refuses the model; `warning`: it loads and is bad, or depends on what lint cannot see.

    `checked` is `here` for rules that were held against this project's server (Triton 2.51 with the Python-based
    `onnxruntime` backend), and `from_source` for those read in the source of the official C++ backend, in
    Kubernetes' or in newer servers' rules, which are not run here. `model` is empty for the repository as a
    whole; `file` is a path below the model's folder, and below the root where there is no model.
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
    """A model folder, the configuration file that is checked, and what the server makes of it.

    `config` is completed as the server completes it; `versions` are the ones that its policy loads.
    """

    tree: Tree
    name: str
    file: str
    config: ModelConfig
    versions: tuple[int, ...] = ()

    @property
    def is_ensemble(self) -> bool:
        return bool(self.config.platform == ENSEMBLE)

    @property
    def is_onnx(self) -> bool:
        return bool(self.config.backend == ONNX_RUNTIME) and not self.is_ensemble

    def place(self, path: str) -> Place:
        """Where a path that a configuration names leads, from the model's folder."""
        return self.tree.place(f"{self.name}/{path}")

    def error(self, rule: str, message: str, file: str | None = None) -> Finding:
        """The server here refuses the model."""
        return self._finding(rule, "error", "here", message, file)

    def warning(self, rule: str, message: str, file: str | None = None) -> Finding:
        """The server here loads the model, and it is bad all the same."""
        return self._finding(rule, "warning", "here", message, file)

    def elsewhere(self, rule: str, message: str, severity: Severity = "error", file: str | None = None) -> Finding:
        """What another server than the one here would say."""
        return self._finding(rule, severity, "from_source", message, file)

    def _finding(self, rule: str, severity: Severity, checked: Checked, message: str, file: str | None) -> Finding:
        path = clean(self.file if file is None else file)
        return Finding(clean(self.name), path, rule, severity, checked, clean(message))


def elements(dims: Iterable[int]) -> int:
    """The number of elements of a shape, at most 2^63: a file may name axes by the thousand."""
    total = 1
    for dim in dims:
        total = min(total * dim, LARGEST_COUNT)
    return total


def type_name(number: int) -> str:
    """The name of a data type; a file may hold any number for one."""
    return str(DataType.Name(number)) if number in DataType.values() else str(number)


def shown(dims: object) -> str:
    """A shape as people write it."""
    return f"[{', '.join(map(str, dims))}]" if isinstance(dims, list | tuple) else str(dims)


def clean(text: object) -> str:
    """Text of foreign origin on one line: what a terminal would act on is escaped, what is long is cut."""
    long = str(text)[: LONGEST_TEXT + 1]
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in long)
    return shown if len(shown) <= LONGEST_TEXT else f"{shown[:LONGEST_TEXT]}…"
