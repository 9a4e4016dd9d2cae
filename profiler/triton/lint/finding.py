"""One thing that is wrong with a repository, and the text of it that is safe to print."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
Checked = Literal["here", "from_source"]
LONGEST_TEXT = 300


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


def clean(text: object) -> str:
    """Text of foreign origin on one line: what a terminal would act on is escaped, what is long is cut."""
    long = str(text)[: LONGEST_TEXT + 1]
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in long)
    return shown if len(shown) <= LONGEST_TEXT else f"{shown[:LONGEST_TEXT]}…"
