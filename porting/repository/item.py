"""What is offered for publication."""

from dataclasses import dataclass
from pathlib import Path

from porting.repository.schema import Details


@dataclass(frozen=True)
class Item:
    """A candidate for publication: its details, its place in its family, and its ONNX file."""

    details: Details
    parent: str | None
    technique: list[str]
    onnx: Path
