"""Another variant that runs beside the model under test."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CoRunner:
    """The file of a variant, and its name in records."""

    name: str
    path: Path
